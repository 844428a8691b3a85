# %% [markdown]
# # 영화 감상평: 단어 시퀀스에 합성곱 적용하기
# *Film reviews: convolutions on words*
#
# **목표.** 긴 감상평을 순환층 없이 1차원 합성곱으로 읽습니다. 합성곱은 "안 지루했다" 같은 짧은 구절을 알아봅니다.
#
# **Goal.** Read long reviews without any recurrent layer: a one-dimensional convolution recognises short phrases such as "안 지루했다" (not boring).

# %% [markdown]
# ## 1. 데이터 / Data
#
# <!-- data -->
#
# 단어마다 번호를 붙였습니다. 앞쪽을 0으로 채워 길이를 200으로 맞춥니다. "안"이 앞에 오면 뜻이 뒤집힙니다. 정답 1은 좋아함, 0은 싫어함입니다. `long-reviews.npz`와 `word_index.json`이 이 노트북과 같은 폴더에 있어야 합니다. 이 셀은 그대로 실행하십시오.
#
# Words are numbers, padded with zeros in front to 200. "안" (not) turns the next word round. Label 1 is liking, 0 disliking. `long-reviews.npz` and `word_index.json` must lie beside this notebook. Run this cell as it is.

# %% tags=["data"]
import json
import os

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

FILE, INDEX, WORDS, LENGTH = 'long-reviews.npz', 'word_index.json', 10000, 200

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
#  입력 input               (200,)
#  Embedding(10000, 128)    (200, 128)     10000 · 128          = ______
#  Conv1D(32, 7, relu)      (194, 32)      7 · 128 · 32 + 32    = ______
#  MaxPooling1D(5)          (38, 32)
#  Conv1D(32, 7, relu)      (32, 32)       7 · 32 · 32 + 32     = ______
#  GlobalMaxPooling1D       (32,)
#  Dense(1, sigmoid)        (1,)           32 + 1               = ______
#  ------------------------------------------------------------------
#                                          합계 total
# ```
#
# 폭이 7인 커널이 지나가면 200개가 194개로, 다섯 중 하나만 남기면 38개로, 다시 32개로 줄고, 마지막에는 필터마다 가장 큰 값만 남습니다. `binary_crossentropy`는 확률을 받으므로 마지막에 `sigmoid`가 필요합니다.
#
# A kernel seven wide makes 194 of 200, keeping one in five leaves 38, the next kernel 32, and at last only the largest value of each filter. `binary_crossentropy` takes probabilities, so the end needs a `sigmoid`.

# %% tags=["answer"]
# Input → Embedding → Conv1D → MaxPooling1D → Conv1D → GlobalMaxPooling1D → Dense
### BEGIN SOLUTION
model = tf.keras.Sequential([
    tf.keras.layers.Input(shape=(LENGTH,)),
    tf.keras.layers.Embedding(10000, 128),
    tf.keras.layers.Conv1D(32, 7, activation='relu'),
    tf.keras.layers.MaxPooling1D(5),
    tf.keras.layers.Conv1D(32, 7, activation='relu'),
    tf.keras.layers.GlobalMaxPooling1D(),
    tf.keras.layers.Dense(1, activation='sigmoid'),
])
### END SOLUTION
if 'model' in globals():   # 만든 뒤에 보여 줍니다 / shown once it is built
    model.summary()

# %% [markdown]
# ## 3. 학습 / Training
#
# `adam`, `binary_crossentropy`, `metrics=['accuracy']`, 배치 크기 64, 5에포크, `validation_data=(x_test, y_test)`로 학습하고 결과를 `history`에 담으십시오. 1분이 걸리지 않습니다.
#
# Train with `adam`, `binary_crossentropy`, `metrics=['accuracy']`, batches of 64, 5 epochs, `validation_data=(x_test, y_test)`; keep the result in `history`. It takes less than a minute.
#
# <!-- epochs -->

# %% tags=["answer"]
# compile, fit
### BEGIN SOLUTION
model.compile(optimizer='adam', loss='binary_crossentropy', metrics=['accuracy'])
history = model.fit(x_train, y_train, epochs=5, batch_size=64, validation_data=(x_test, y_test))
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
trial = [[index[text] for text in phrase.split() * 40 if text in index] for phrase in phrases]
if 'model' in globals():   # 모델이 있을 때만 / once there is a model
    chances = model.predict(tf.keras.utils.pad_sequences(trial, maxlen=LENGTH), verbose=0)[:, 0]
    for phrase, chance in zip(phrases, chances):
        print(f"{chance:6.3f}   {phrase}")

# %% [markdown]
# ### 생각해 보기 / Think
#
# - 합성곱 하나가 한 번에 볼 수 있는 단어는 몇 개입니까? 두 번째 합성곱은 어떻습니까? / How many words does one convolution see at once, and the second one?
# - GlobalMaxPooling은 칭찬이 몇 번 나왔는지 셀 수 있습니까? / Can GlobalMaxPooling count how often there was praise?
#
# <!-- points -->
