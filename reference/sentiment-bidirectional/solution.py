# %% [markdown]
# # 영화 감상평: 양방향 LSTM
# *Film reviews: reading in both directions*
#
# **목표.** 같은 감상평을 LSTM 두 개가 앞에서, 그리고 뒤에서 읽게 합니다.
#
# **Goal.** Let two LSTMs read the same reviews, one forwards and one backwards.

# %% [markdown]
# ## 1. 데이터 / Data
#
# <!-- data -->
#
# 단어마다 번호를 붙였습니다. 앞쪽을 0으로 채워 길이를 40으로 맞춥니다. "안"이 앞에 오면 뜻이 뒤집힙니다. 정답 1은 좋아함, 0은 싫어함입니다. `reviews.npz`와 `word_index.json`이 이 노트북과 같은 폴더에 있어야 합니다. 이 셀은 그대로 실행하십시오.
#
# Words are numbers, padded with zeros in front to 40. "안" (not) turns the next word round. Label 1 is liking, 0 disliking. `reviews.npz` and `word_index.json` must lie beside this notebook. Run this cell as it is.

# %% tags=["data"]
import json
import os

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

FILE, INDEX, WORDS, LENGTH = 'reviews.npz', 'word_index.json', 10000, 40

for name in (FILE, INDEX):
    if not os.path.exists(name):
        raise FileNotFoundError(f"{name}: 이 노트북과 같은 폴더에 두십시오(Colab에서는 업로드). / Put it beside this notebook (in Colab: upload it).")


def padded(reviews):
    numbers = [[number for number in review if number < WORDS] for review in reviews]
    return tf.keras.utils.pad_sequences(numbers, maxlen=LENGTH)


with np.load(FILE, allow_pickle=True) as file:                   # 길이가 저마다 다른 목록 / lists of different lengths
    x_train, y_train = padded(file['x_train']), file['y_train']
    x_test, y_test = padded(file['x_test']), file['y_test']
with open(INDEX, encoding='utf-8') as file:
    index = json.load(file)                                      # 단어마다 번호, 0은 빈자리 / 0 is padding
word = {number: text for text, number in index.items()}

print(y_train[0], " ".join(word[number] for number in x_train[0] if number))
print(x_train.shape, x_train[0])

# %% [markdown]
# ## 2. 모델 / Model
#
# ```
#  층 layer                 출력 output    파라미터 parameters
#  ------------------------------------------------------------------
#  입력 input               (40,)
#  Embedding(10000, 32)     (40, 32)       10000 · 32                 = ______
#  Bidirectional(LSTM(32))  (64,)          2 · 4 · 32 · (32 + 32 + 1) = ______
#  Dense(1, sigmoid)        (1,)           64 + 1                     = ______
#  ------------------------------------------------------------------
#                                          합계 total
# ```
#
# 방향마다 LSTM이 하나씩 있고, 마지막 상태가 이어 붙습니다. Embedding은 하나를 같이 씁니다.
#
# There is one LSTM for each direction and their last states are joined; both share one Embedding.

# %% tags=["answer"]
# Input → Embedding(10000, 32) → Bidirectional(LSTM(32)) → Dense(1, sigmoid)
### BEGIN SOLUTION
model = tf.keras.Sequential([
    tf.keras.layers.Input(shape=(LENGTH,)),
    tf.keras.layers.Embedding(10000, 32),
    tf.keras.layers.Bidirectional(tf.keras.layers.LSTM(32)),
    tf.keras.layers.Dense(1, activation='sigmoid'),
])
### END SOLUTION
if 'model' in globals():   # 만든 뒤에 보여 줍니다 / shown once it is built
    model.summary()

# %% [markdown]
# ## 3. 학습 / Training
#
# `adam`, `binary_crossentropy`, `metrics=['accuracy']`, 배치 크기 64, 10에포크, `validation_data=(x_test, y_test)`로 학습하고 결과를 `history`에 담으십시오. 1분이 걸리지 않습니다.
#
# Train with `adam`, `binary_crossentropy`, `metrics=['accuracy']`, batches of 64, 10 epochs, `validation_data=(x_test, y_test)`; keep the result in `history`. It takes less than a minute.
#
# <!-- epochs -->

# %% tags=["answer"]
# compile, fit
### BEGIN SOLUTION
model.compile(optimizer='adam', loss='binary_crossentropy', metrics=['accuracy'])
history = model.fit(x_train, y_train, epochs=10, batch_size=64, validation_data=(x_test, y_test))
### END SOLUTION

# %%
if 'history' in globals():   # fit을 부른 뒤에 그립니다 / drawn once fit has been called
    plt.plot(history.history['accuracy'], 'b-', label='accuracy')
    plt.plot(history.history['val_accuracy'], 'r--', label='val_accuracy')
    plt.xlabel('epoch')
    plt.legend()
    plt.show()

# %% [markdown]
# ## 4. 예측 / Prediction
#
# 칭찬만 있는 말, 비난만 있는 말, 그리고 "안"으로 뒤집은 말을 넣어 봅니다. 채점에는 처음 보는 감상평을 씁니다.
#
# Try praise, blame, and both turned round by "안". Grading uses reviews that nobody has seen.

# %%
phrases = ["연기가 훌륭했다", "연기가 지루했다", "연기가 안 훌륭했다", "연기가 안 지루했다"]
trial = [[index[text] for text in phrase.split() * 4 if text in index] for phrase in phrases]
if 'model' in globals():   # 모델이 있을 때만 / once there is a model
    chances = model.predict(tf.keras.utils.pad_sequences(trial, maxlen=LENGTH), verbose=0)[:, 0]
    for phrase, chance in zip(phrases, chances):
        print(f"{chance:6.3f}   {phrase}")

# %% [markdown]
# ### 생각해 보기 / Think
#
# - 앞에서 읽을 때와 뒤에서 읽을 때 "안"을 만나는 순서가 어떻게 다릅니까? / Reading forwards or backwards, when does it meet "안"?
# - 빈자리 0은 앞에 있습니다. 뒤에서부터 읽는 LSTM은 마지막에 무엇을 봅니까? / The zeros stand in front. What does the backward LSTM see last?
#
# <!-- points -->
