# %% [markdown]
# # SimpleRNN으로 곱셈 문제 풀기
# *The multiplication problem with SimpleRNN*
#
# **목표.** SimpleRNN에게 긴 시퀀스에서 두 수를 기억해 곱하는 문제를 맡겨 봅니다. **이 모델은 잘되지 않는 것이 정상입니다.** 왜 실패하는지 눈으로 확인하는 것이 목표이며, 얼마나 잘 맞히는지는 채점하지 않습니다.
#
# **Goal.** Ask a SimpleRNN to remember two numbers over a long sequence and multiply them. **It is meant to fail.** Seeing how and why is the point, so how well it predicts is not graded.

# %% [markdown]
# ## 1. 데이터 / Data
#
# ```
#  표시 mark     0     0     1     0    …    0     1     0
#  숫자 number  .12   .85   .40   .33   …   .91   .70   .08
#                            └── .40 × .70 = .28 ──┘    정답 target
# ```
#
# 시퀀스 하나는 100개의 시점이고 시점마다 `(표시, 숫자)`가 있습니다. 표시가 1인 곳은 정확히 두 곳이며, 정답은 그 두 수의 곱입니다. 3000개 중 앞의 2560개로 학습하고 나머지 440개로 시험합니다. 이 셀은 그대로 실행하십시오.
#
# A sequence has 100 steps of `(mark, number)`. Exactly two marks are 1, and the target is the product of those two numbers. Of 3000 sequences the first 2560 are for training, the other 440 for testing. Run this cell as it is.

# %% tags=["data"]
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

ROWS, STEPS, TRAIN = 3000, 100, 2560


def make_sequence():
    numbers = np.random.rand(STEPS)
    marks = np.zeros(STEPS)
    first, second = np.random.choice(STEPS, 2, replace=False)  # 서로 다른 두 위치 / two different steps
    marks[[first, second]] = 1
    return np.column_stack([marks, numbers]), numbers[first] * numbers[second]


pairs = [make_sequence() for _ in range(ROWS)]
X = np.array([sequence for sequence, _ in pairs])   # (3000, 100, 2)
Y = np.array([product for _, product in pairs])     # (3000,)
print(X.shape, Y.shape)

marked = np.flatnonzero(X[0, :, 0])
print("표시된 위치 marked steps", marked, "  숫자 numbers", X[0, marked, 1], "  정답 target", Y[0])

# %% [markdown]
# ## 2. 모델 / Model
#
# ```
#  층 layer        출력 output    파라미터 parameters
#  ------------------------------------------------------------------
#  입력 input      (100, 2)
#  SimpleRNN(30)   (100, 30)      30 · (2 + 30 + 1)          = ______
#  SimpleRNN(30)   (30,)          30 · (30 + 30 + 1)         = ______
#  Dense(1)        (1,)           30 · 1 + 1                 = ______
#  ------------------------------------------------------------------
#                                 합계 total                 = ______
# ```
#
# 유닛 하나는 아래층의 값, 같은 층의 직전 상태 30개, 편향 하나를 봅니다. 첫 번째 층의 아래에는 특성 2개가, 두 번째 층의 아래에는 상태 30개가 있습니다.
#
# A unit sees the values from below, the 30 previous states of its own layer, and one bias. Below the first layer are 2 features, below the second 30 states.
#
# > 아래 셀에서 `model`을 만드십시오. 첫 번째 층에는 `return_sequences=True`가 필요합니다. / Build `model` in the next cell; the first layer needs `return_sequences=True`.

# %% tags=["answer"]
# 입력 input (100, 2) → SimpleRNN(30), 모든 시점 every step → SimpleRNN(30), 마지막 시점 last step → Dense(1)
### BEGIN SOLUTION
model = tf.keras.Sequential([
    tf.keras.layers.Input(shape=(STEPS, 2)),
    tf.keras.layers.SimpleRNN(30, return_sequences=True),
    tf.keras.layers.SimpleRNN(30),
    tf.keras.layers.Dense(1),
])
### END SOLUTION
if 'model' in globals():   # 만든 뒤에 보여 줍니다 / shown once it is built
    model.summary()

# %% [markdown]
# ## 3. 학습 / Training
#
# `adam`과 `mse`로, 앞의 2560개를 써서, `validation_split=0.2`로 100에포크 학습하고 결과를 `history`에 담으십시오. 오류를 찾는 동안에는 2에포크로 시험해도 좋지만 제출하기 전에 100으로 되돌리십시오. CPU 코어 하나에서 1~3분 걸렸습니다. 느린 컴퓨터나 다른 일을 함께 하는 컴퓨터에서는 더 걸립니다.
#
# Train with `adam` and `mse` on the first 2560 sequences, `validation_split=0.2`, for 100 epochs, and keep the result in `history`. While you look for errors 2 epochs will do; set them back to 100 before you hand in. It took one to three minutes on one processor core; a slow computer, or one that does other work as well, takes longer.
#
# <!-- epochs -->

# %% tags=["answer"]
# compile, fit
### BEGIN SOLUTION
model.compile(optimizer='adam', loss='mse')
history = model.fit(X[:TRAIN], Y[:TRAIN], epochs=100, validation_split=0.2)
### END SOLUTION

# %%
always_mean = np.var(Y[:TRAIN])   # 항상 평균을 답할 때의 오차 / the error of always answering the mean

if 'history' in globals():   # fit을 부른 뒤에 그립니다 / drawn once fit has been called
    plt.plot(history.history['loss'], 'b-', label='loss')
    plt.plot(history.history['val_loss'], 'r--', label='val_loss')
    plt.axhline(always_mean, color='gray', linestyle=':', label='always the mean')
    plt.yscale('log')
    plt.xlabel('epoch')
    plt.legend()
    plt.show()

# %% [markdown]
# ## 4. 예측 / Prediction
#
# 오차가 0.04 이하이면 맞은 것으로 셉니다. 항상 평균을 답하는 것과 비교해 보십시오.
#
# An answer counts as correct when it is off by at most 0.04. Compare with always answering the mean.

# %%
if 'model' in globals():   # 모델이 있을 때만 / once there is a model
    predictions = model.predict(X[TRAIN:], verbose=0)[:, 0]   # (440,)
    errors = np.abs(predictions - Y[TRAIN:])

    print("   정답 true   예측 predicted   오차 error")
    for target, guess, error in list(zip(Y[TRAIN:], predictions, errors))[:8]:
        print(f"   {target:9.3f}   {guess:14.3f}   {error:10.3f}  {'O' if error <= .04 else 'X'}")
    print(f"정확도 correctness: {np.mean(errors <= .04):.1%}   mse: {np.mean(errors ** 2):.4f} (평균만 답할 때 always the mean: {always_mean:.4f})")

# %% [markdown]
# ### 생각해 보기 / Think
#
# - 학습 손실과 검증 손실 중 어느 쪽이 평균을 답할 때의 오차보다 작아집니까? 무엇을 뜻합니까? / Which of the two losses falls below that of always answering the mean, and what does that tell?
# - 표시 하나가 10번째, 다른 하나가 90번째 시점에 있다면, 첫 번째 수는 행렬 곱을 몇 번 거쳐 마지막 상태에 닿습니까? / With marks at steps 10 and 90, how many matrix products does the first number pass before it reaches the last state?
#
# <!-- points -->
