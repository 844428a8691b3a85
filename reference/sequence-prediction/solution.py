# %% [markdown]
# # SimpleRNN으로 시퀀스 예측하기
# *Sequence prediction with SimpleRNN*
#
# **목표.** 0.1씩 커지는 수 네 개를 차례로 읽고 다음에 올 수를 맞히는 순환 신경망을 만듭니다. `[0.0, 0.1, 0.2, 0.3]` 다음은 `0.4`입니다.
#
# **Goal.** Build a recurrent network that reads four numbers, each a tenth larger than the last, and tells the next one. After `[0.0, 0.1, 0.2, 0.3]` comes `0.4`.

# %% [markdown]
# ## 1. 데이터 / Data
#
# 순환층의 입력은 항상 `(구간 수, 시점 수, 특성 수)` 모양입니다. 여기서는 `(6, 4, 1)`입니다. 이 셀은 그대로 실행하십시오.
#
# A recurrent layer always takes `(windows, steps, features)`, here `(6, 4, 1)`. Run this cell as it is.

# %% tags=["data"]
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

STEPS = 4

starts = np.arange(6)
X = (starts[:, None] + np.arange(STEPS)) / 10   # (6, 4)
X = X[:, :, None]                               # (6, 4, 1)
Y = (starts + STEPS) / 10                       # (6,)

for window, following in zip(X, Y):
    print(window[:, 0], "→", following)

# %% [markdown]
# ## 2. 모델 / Model
#
# ```
#  층 layer        출력 output    파라미터 parameters
#  ------------------------------------------------------------------
#  입력 input      (4, 1)
#  SimpleRNN(10)   (10,)          10 · (1 + 10 + 1)          = ______
#  Dense(1)        (1,)           10 · 1 + 1                 = ______
#  ------------------------------------------------------------------
#                                 합계 total                 = ______
# ```
#
# SimpleRNN은 시점마다 입력 1개와 직전 상태 10개를 보고 새 상태 10개를 만듭니다. 마지막 상태만 Dense로 넘어갑니다. 빈칸을 먼저 채운 뒤 `model.summary()`와 비교해 보십시오.
#
# At each step SimpleRNN looks at one input and its ten previous states and makes ten new ones; only the last go on to Dense. Fill in the blanks first, then compare with `model.summary()`.
#
# > 아래 셀에서 `model`을 만드십시오. Build `model` in the next cell.

# %% tags=["answer"]
# 입력 input (4, 1) → SimpleRNN(10) → Dense(1)
### BEGIN SOLUTION
model = tf.keras.Sequential([
    tf.keras.layers.Input(shape=(STEPS, 1)),
    tf.keras.layers.SimpleRNN(10),
    tf.keras.layers.Dense(1),
])
### END SOLUTION
if 'model' in globals():   # 만든 뒤에 보여 줍니다 / shown once it is built
    model.summary()

# %% [markdown]
# ## 3. 학습 / Training
#
# `adam`과 평균 제곱 오차(`mse`)로 구간 여섯 개를 모두 써서 100에포크 학습하고, 결과를 `history`에 담으십시오.
#
# Train on all six windows for 100 epochs with `adam` and mean squared error (`mse`); keep the result in `history`.
#
# <!-- epochs -->

# %% tags=["answer"]
# compile, fit
### BEGIN SOLUTION
model.compile(optimizer='adam', loss='mse')
history = model.fit(X, Y, epochs=100)
### END SOLUTION

# %%
if 'history' in globals():   # fit을 부른 뒤에 그립니다 / drawn once fit has been called
    plt.plot(history.history['loss'])
    plt.yscale('log')
    plt.xlabel('epoch')
    plt.ylabel('loss (mse)')
    plt.show()

# %% [markdown]
# ## 4. 예측 / Prediction
#
# 마지막 두 구간은 학습할 때 본 적이 없습니다. 안쪽은 잘 맞아도 바깥쪽은 덜 맞을 수 있으며, 그래서 이 실습에서는 얼마나 잘 맞히는지를 채점하지 않습니다.
#
# The last two windows were never seen in training. The model may be good inside and less so beyond; that is why how well it predicts is not graded here.

# %%
beyond = np.array([[.6, .7, .8, .9], [-.1, .0, .1, .2]])[:, :, None]
windows = np.concatenate([X, beyond])
targets = np.concatenate([Y, [1.0, 0.3]])

if 'model' in globals():   # 모델이 있을 때만 / once there is a model
    print("   정답 true   예측 predicted")
    for target, guess in zip(targets, model.predict(windows, verbose=0)[:, 0]):
        print(f"   {target:9.1f}   {guess:14.3f}")

# %% [markdown]
# ### 생각해 보기 / Think
#
# - 상태가 10개가 아니라 2개라면 파라미터는 몇 개입니까? / How many parameters with two states instead of ten?
# - 정답 대신 구간의 마지막 수를 답해도 오차는 0.1뿐입니다. 작은 오차만 보고 학습이 잘되었다고 할 수 있습니까? / Answering with the window's last number is off by only 0.1. Does a small error prove that the model has learned?
#
# <!-- points -->
