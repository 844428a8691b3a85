# %% [markdown]
# # 하루 뒤 기온 예측: 먼저 밀집 신경망
# *Temperature a day ahead: a dense network first*
#
# **목표.** 순환 신경망을 쓰기 전에 비교 기준을 만듭니다. 36시간을 한 줄로 펴서 밀집 신경망에 넣습니다. **결과가 실행할 때마다 크게 달라지는 것이 정상이며**, 얼마나 잘 맞히는지는 채점하지 않습니다.
#
# **Goal.** Before any recurrent network, make something to compare with: 36 hours flattened into one row for a dense network. **It differs much from run to run, as it should**, and how well it predicts is not graded.

# %% [markdown]
# ## 1. 데이터 / Data
#
# <!-- data -->
#
# 열 14개(1번이 기온 `T (degC)`)가 한 시간마다 한 줄씩 있습니다. 36시간을 읽고 24시간 뒤의 기온을 맞힙니다. 학습 구간의 평균과 표준편차로만 표준화합니다. `weather.csv.zip`이 이 노트북과 같은 폴더에 있어야 합니다. 이 셀은 그대로 실행하십시오.
#
# One row an hour, fourteen columns (number 1 is the temperature, `T (degC)`). Read 36 hours, tell the temperature 24 hours later. Mean and standard deviation come from the training part alone. `weather.csv.zip` must lie beside this notebook. Run this cell as it is.

# %% tags=["data"]
import os

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import tensorflow as tf

FILE, TRAIN_HOURS, LOOKBACK, DELAY = 'weather.csv.zip', 5500, 36, 24

if not os.path.exists(FILE):
    raise FileNotFoundError(f"{FILE}: 이 노트북과 같은 폴더에 두십시오(Colab에서는 업로드). / Put it beside this notebook (in Colab: upload it).")


def windows(series):
    ends = range(LOOKBACK, len(series) - DELAY, 4)
    x = np.array([series[end - LOOKBACK:end] for end in ends], dtype='float32')
    y = np.array([series[end + DELAY - 1, 1] for end in ends], dtype='float32')
    return x, y


table = pd.read_csv(FILE)                                        # 한 줄이 한 시간 / one row an hour
weather = table.drop(columns='Date Time').to_numpy()             # (hours, 14)
mean, std = weather[:TRAIN_HOURS].mean(axis=0), weather[:TRAIN_HOURS].std(axis=0)
standardised = (weather - mean) / std

X_train, y_train = windows(standardised[:TRAIN_HOURS])           # (1360, 36, 14), (1360,)
X_test, y_test = windows(standardised[TRAIN_HOURS:])             # (n, 36, 14), (n,)
naive = np.mean(np.abs(X_test[:, -1, 1] - y_test))               # 내일도 오늘만큼 / as warm as today
print(X_train.shape, X_test.shape, f"naive MAE {naive:.3f}")

plt.figure(figsize=(10, 2.5))
plt.plot(weather[:500, 1])
plt.xlabel('hour')
plt.ylabel('temperature')
plt.show()

# %% [markdown]
# ## 2. 모델 / Model
#
# ```
#  층 layer                출력 output    파라미터 parameters
#  ------------------------------------------------------------------
#  입력 input              (36, 14)
#  Flatten                 (504,)         36 · 14
#  Dense(32, relu)         (32,)          504 · 32 + 32 = ______
#  Dense(1)                (1,)           32 + 1       = ______
#  ------------------------------------------------------------------
#                                         합계 total
# ```
#
# Flatten은 시간의 순서를 지웁니다. 층은 어느 값이 먼저 왔는지 알지 못하고, 시각마다 가중치를 따로 배웁니다.
#
# Flatten wipes out the order of time: the layer does not know which reading came first and learns separate weights for every hour.

# %% tags=["answer"]
# Input → Flatten → Dense(32, relu) → Dense(1)
### BEGIN SOLUTION
model = tf.keras.Sequential([
    tf.keras.layers.Input(shape=(LOOKBACK, 14)),
    tf.keras.layers.Flatten(),
    tf.keras.layers.Dense(32, activation='relu'),
    tf.keras.layers.Dense(1),
])
### END SOLUTION
if 'model' in globals():   # 만든 뒤에 보여 줍니다 / shown once it is built
    model.summary()

# %% [markdown]
# ## 3. 학습 / Training
#
# `adam`과 평균 절대 오차(`mae`)로, 배치 크기 128, 20에포크, `validation_data=(X_test, y_test)`로 학습하고 결과를 `history`에 담으십시오. 1분이 걸리지 않습니다.
#
# Train with `adam` and mean absolute error (`mae`), batches of 128, 20 epochs, `validation_data=(X_test, y_test)`; keep the result in `history`. It takes less than a minute.
#
# <!-- epochs -->

# %% tags=["answer"]
# compile, fit
### BEGIN SOLUTION
model.compile(optimizer='adam', loss='mae')
history = model.fit(X_train, y_train, epochs=20, batch_size=128, validation_data=(X_test, y_test))
### END SOLUTION

# %%
if 'history' in globals():   # fit을 부른 뒤에 그립니다 / drawn once fit has been called
    plt.plot(history.history['loss'], 'b-', label='loss')
    plt.plot(history.history['val_loss'], 'r--', label='val_loss')
    plt.axhline(naive, color='gray', linestyle=':', label='naive')
    plt.xlabel('epoch')
    plt.ylabel('mae')
    plt.legend()
    plt.show()

# %% [markdown]
# ## 4. 예측 / Prediction
#
# "내일 이맘때도 지금만큼 따뜻하다"는 단순한 답과 비교하고, 이 오차를 적어 두었다가 다음 실습의 GRU와 비교하십시오.
#
# Compare with the naive answer, "tomorrow at this hour it will be as warm as now", and keep the error to compare with the GRU of the next exercise.

# %%
if 'model' in globals():   # 모델이 있을 때만 / once there is a model
    predictions = model.predict(X_test, verbose=0)[:, 0]             # (247,)
    error = np.mean(np.abs(predictions - y_test))
    print(f"모델 model {error:.3f}   단순 naive {naive:.3f}   기온 차이 off by {error * std[1]:.2f} °C")

    plt.figure(figsize=(10, 3))
    plt.plot(y_test[:150] * std[1] + mean[1], label='true')
    plt.plot(predictions[:150] * std[1] + mean[1], label='predicted')
    plt.legend()
    plt.show()

# %% [markdown]
# ### 생각해 보기 / Think
#
# - 학습 손실과 검증 손실의 간격은 무엇을 뜻합니까? / What does the gap between training and validation loss mean?
# - 파라미터 16193개 중 첫 번째 Dense에만 몇 개가 있습니까? / Of the 16193 parameters, how many are in the first Dense?
#
# <!-- points -->
