# %% [markdown]
# # 하루 뒤 기온 예측: 먼저 밀집 신경망
# *Temperature a day ahead: a dense network first*
#
# **목표.** 순환 신경망을 쓰기 전에 비교 기준을 만듭니다. 60시간을 한 줄로 펴서 밀집 신경망에 넣습니다. **결과가 실행할 때마다 크게 달라지는 것이 정상이며**, 정확도는 채점하지 않습니다.
#
# **Goal.** Before any recurrent network, make something to compare with: 60 hours flattened into one row for a dense network. **It differs much from run to run, as it should**, and accuracy is not graded.

# %% [markdown]
# ## 1. 데이터 / Data
#
# 어느 지어낸 마을의 **가상 날씨**입니다. 측정값 14개(0번이 기온)가 같은 전선을 저마다 다른 시각에, 잡음에 섞인 채로 봅니다. 60시간을 읽고 24시간 뒤의 기온을 맞힙니다. 학습 구간의 평균과 표준편차로만 표준화합니다. 이 셀은 그대로 실행하십시오.
#
# The weather of a made-up town: **invented, not measured**. Fourteen instruments (number 0 is the temperature) see the same front, each at another time and through noise. Read 60 hours, tell the temperature 24 hours later. Mean and standard deviation come from the training part alone. Run this cell as it is.

# %% tags=["data"]
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

HOURS, TRAIN_HOURS, LOOKBACK, DELAY = 8000, 6000, 60, 24


def invented_weather(hours):
    t = np.arange(hours)
    sun = np.cos(2 * np.pi * (t - 15) / 24)                      # 낮과 밤 / day and night
    slips = 0.01 * np.cumsum(np.random.randn(hours))             # 전선이 이르거나 늦음 / early or late
    front = 2 * np.pi * (np.random.rand() + t / 160) + slips     # 약 160시간 주기 / about 160 hours
    columns = [12 + 4 * np.cos(front) + 4 * sun + 0.4 * np.random.randn(hours)]
    for k in range(1, 14):
        seen = 5 * np.cos(front + 2 * np.pi * k / 14) + (3 - 0.2 * k) * sun
        columns.append(seen + 3 * np.random.randn(hours))
    return np.stack(columns, axis=1)                             # (hours, 14)


def windows(series):
    ends = range(LOOKBACK, len(series) - DELAY, 3)
    x = np.array([series[end - LOOKBACK:end] for end in ends], dtype='float32')
    y = np.array([series[end + DELAY - 1, 0] for end in ends], dtype='float32')
    return x, y


weather = invented_weather(HOURS)
mean, std = weather[:TRAIN_HOURS].mean(axis=0), weather[:TRAIN_HOURS].std(axis=0)
standardised = (weather - mean) / std

X_train, y_train = windows(standardised[:TRAIN_HOURS])           # (1972, 60, 14), (1972,)
X_test, y_test = windows(standardised[TRAIN_HOURS:])             # (639, 60, 14), (639,)
naive = np.mean(np.abs(X_test[:, -1, 0] - y_test))               # 내일도 오늘만큼 / as warm as today
print(X_train.shape, X_test.shape, f"naive MAE {naive:.3f}")

plt.figure(figsize=(10, 2.5))
plt.plot(weather[:500, 0])
plt.xlabel('hour')
plt.ylabel('temperature')
plt.show()

# %% [markdown]
# ## 2. 모델 / Model
#
# ```
#  층 layer                출력 output    파라미터 parameters
#  ------------------------------------------------------------------
#  입력 input              (60, 14)
#  Flatten                 (840,)         60 · 14
#  Dense(32, relu)         (32,)          840 · 32 + 32 = ______
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
model.summary()

# %% [markdown]
# ## 3. 학습 / Training
#
# `rmsprop`과 평균 절대 오차(`mae`)로, 배치 크기 128, 20에포크, `validation_data=(X_test, y_test)`로 학습하고 결과를 `history`에 담으십시오. 1분이 걸리지 않습니다.
#
# Train with `rmsprop` and mean absolute error (`mae`), batches of 128, 20 epochs, `validation_data=(X_test, y_test)`; keep the result in `history`. It takes less than a minute.

# %% tags=["answer"]
# compile, fit
### BEGIN SOLUTION
model.compile(optimizer='rmsprop', loss='mae')
history = model.fit(X_train, y_train, epochs=20, batch_size=128, validation_data=(X_test, y_test))
### END SOLUTION

# %%
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
predictions = model.predict(X_test, verbose=0)[:, 0]             # (639,)
error = np.mean(np.abs(predictions - y_test))
print(f"모델 model {error:.3f}   단순 naive {naive:.3f}   기온 차이 {error * std[0]:.2f} °C")

plt.figure(figsize=(10, 3))
plt.plot(y_test[:150] * std[0] + mean[0], label='true')
plt.plot(predictions[:150] * std[0] + mean[0], label='predicted')
plt.legend()
plt.show()

# %% [markdown]
# ### 생각해 보기 / Think
#
# - 학습 손실과 검증 손실의 간격은 무엇을 뜻합니까? / What does the gap between training and validation loss mean?
# - 파라미터 26945개 중 첫 번째 Dense에만 몇 개가 있습니까? / Of the 26945 parameters, how many are in the first Dense?
#
# <!-- points -->
