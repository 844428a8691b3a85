# %% [markdown]
# # 글자 단위로 문장 이어 쓰기
# *Writing text character by character*
#
# **목표.** 한 문장을 읽으며 매번 다음 글자를 맞히는 순환 신경망을 만들고, 첫 20글자를 준 뒤 나머지를 이어 쓰게 합니다.
#
# **Goal.** Build a recurrent network that reads a sentence and names the next character at every step; then give it the first 20 characters and let it write on.

# %% [markdown]
# ## 1. 데이터 / Data
#
# ```
#  X[0]   봄 이 _ 오 면 _ 강 가 … _ 먼        20글자 characters
#  Y[0]   이 _ 오 면 _ 강 가 의 … 먼 저        한 글자 뒤 one further
# ```
#
# 글자마다 번호를 붙여 원-핫으로 바꿉니다. `X`와 `Y`는 모두 `(53, 20, 48)`입니다. `set`의 순서는 실행할 때마다 다르므로 `sorted`로 고정합니다. 아래 두 셀을 실행하십시오.
#
# Each character gets a number and becomes one-hot; `X` and `Y` are both `(53, 20, 48)`. The order of a `set` changes from run to run, so it is `sorted`. Run the next two cells.
#
# 다른 문장을 쓰고 싶으면 첫째 셀의 `TEXT`를 바꾸십시오. 그 셀은 고쳐도 됩니다. 40~200글자의 실제 문장이어야 합니다. 같은 글자가 여러 번 나오고 그때마다 다른 글자가 이어져야 합니다. 앞 글자만 보면 다음 글자를 알 수 있는 글은 표에서 찾는 것과 다르지 않아 데이터와 성능 점수를 잃습니다.
#
# If you would rather take a sentence of your own, change `TEXT` in the first of them; that cell is yours to edit. Take a real one of 40 to 200 characters, in which characters come several times and something else follows them each time. Where the character before tells the next one, a list does as well as a network, and points for the data and for how well it answers are lost.

# %%
# 다른 문장으로 바꾸어도 됩니다 / may become a sentence of your own
TEXT = ("봄이 오면 강가의 버드나무는 가장 먼저 연둣빛 잎을 틔우고, "
        "아이들은 그 그늘 아래에서 물수제비를 뜨며 하루가 저무는 줄도 모른다.")

# %% tags=["data"]
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

STEPS = 20

characters = sorted(set(TEXT))
V = len(characters)
number = {character: i for i, character in enumerate(characters)}
codes = np.array([number[character] for character in TEXT])          # (73,)

one_hot = np.eye(V)
X = np.array([one_hot[codes[i:i + STEPS]] for i in range(len(TEXT) - STEPS)])
Y = np.array([one_hot[codes[i + 1:i + STEPS + 1]] for i in range(len(TEXT) - STEPS)])
print(len(TEXT), "글자 characters,", V, "종류 different,", X.shape, Y.shape)

# %% [markdown]
# ## 2. 모델 / Model
#
# ```
#  층 layer                      출력 output    파라미터 parameters
#  ------------------------------------------------------------------
#  입력 input                    (20, 48)
#  SimpleRNN(100)                (20, 100)      100 · (48 + 100 + 1)  = ______
#  TimeDistributed(Dense(48))    (20, 48)       48 · (100 + 1)        = ______
#  ------------------------------------------------------------------
#                                               합계 total            = ______
# ```
#
# 매 시점의 답이 필요하므로 SimpleRNN은 `return_sequences=True`입니다. TimeDistributed는 시점마다 같은 Dense를 적용하고, 소프트맥스가 글자 48개의 확률을 만듭니다. 함수형 API로 만들어 보십시오.
#
# An answer is needed at every step, so SimpleRNN has `return_sequences=True`. TimeDistributed applies the same Dense to each step, and softmax makes 48 probabilities of it. Try the functional API.

# %% tags=["answer"]
# Input → SimpleRNN → TimeDistributed(Dense)
### BEGIN SOLUTION
inputs = tf.keras.layers.Input(shape=(STEPS, V))
states = tf.keras.layers.SimpleRNN(100, return_sequences=True)(inputs)
outputs = tf.keras.layers.TimeDistributed(tf.keras.layers.Dense(V, activation='softmax'))(states)
model = tf.keras.Model(inputs, outputs)
### END SOLUTION
if 'model' in globals():   # 만든 뒤에 보여 줍니다 / shown once it is built
    model.summary()

# %% [markdown]
# ## 3. 학습 / Training
#
# `adam`, `categorical_crossentropy`, `metrics=['accuracy']`, 100에포크로 학습하고 결과를 `history`에 담으십시오. 몇 초에서 몇십 초 걸립니다. 느린 컴퓨터나 다른 일을 함께 하는 컴퓨터에서는 더 걸립니다.
#
# Train with `adam`, `categorical_crossentropy`, `metrics=['accuracy']` for 100 epochs; keep the result in `history`. It takes from some seconds to half a minute; a slow computer, or one that does other work as well, takes longer.
#
# <!-- epochs -->

# %% tags=["answer"]
# compile, fit
### BEGIN SOLUTION
model.compile(optimizer='adam', loss='categorical_crossentropy', metrics=['accuracy'])
history = model.fit(X, Y, epochs=100)
### END SOLUTION

# %%
if 'history' in globals():   # fit을 부른 뒤에 그립니다 / drawn once fit has been called
    plt.plot(history.history['accuracy'])
    plt.xlabel('epoch')
    plt.ylabel('accuracy')
    plt.show()

# %% [markdown]
# ## 4. 이어 쓰기 / Writing on
#
# 가장 그럴듯한 글자를 하나 쓰고, 그 글자까지 포함한 마지막 20글자를 다시 읽습니다.
#
# It writes the likeliest character, then reads the last 20 again, the new one included.

# %%
if 'model' in globals():   # 모델이 있을 때만 / once there is a model
    written = TEXT[:STEPS]
    while len(written) < len(TEXT):
        window = one_hot[[number[character] for character in written[-STEPS:]]]
        probabilities = model.predict(window[None], verbose=0)[0, -1]    # (48,)
        written += characters[int(np.argmax(probabilities))]

    print("정답 true   ", TEXT)
    print("모델 written", written)

# %% [markdown]
# ### 생각해 보기 / Think
#
# - 정확도가 100%가 되지 못하는 글자는 주로 창의 어느 쪽에 있습니까? 왜 그렇습니까? / At which end of the window are the characters that it still gets wrong, and why?
# - `sorted` 없이 `list(set(TEXT))`를 쓰면, 저장해 둔 모델을 다음 날 불러왔을 때 무슨 일이 생깁니까? / Without `sorted`, what happens to a saved model that you load the next day?
#
# <!-- points -->
