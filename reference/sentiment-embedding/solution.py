# %% [markdown]
# # 영화 감상평: Embedding과 LSTM
# *Film reviews: Embedding and LSTM*
#
# **목표.** 단어를 벡터로 바꾸는 Embedding과 LSTM으로 감상평을 쓴 사람이 영화를 좋아했는지 맞힙니다.
#
# **Goal.** Tell from a review whether its author likes the film, with Embedding, which turns words into vectors, and an LSTM.

# %% [markdown]
# ## 1. 데이터 / Data
#
# 진짜 감상평이 아니라 낱말을 짜 맞춰 **지어낸** 것입니다. 영화를 좋아한 사람은 열에 아홉을 칭찬하고, "안"이 앞에 오면 뜻이 뒤집힙니다. 단어마다 번호를 붙이고 앞쪽을 0으로 채워 길이를 40으로 맞춥니다. 정답 1은 좋아함, 0은 싫어함입니다. 이 셀은 그대로 실행하십시오.
#
# These are no real reviews but **invented** ones, put together from a list of words. Who likes the film praises nine things of ten, and "안" (not) turns the next word round. Words become numbers, padded with zeros in front to 40. Label 1 is liking, 0 disliking. Run this cell as it is.

# %% tags=["data"]
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

TOPICS = "배우는 연기가 음악이 이야기가 화면이 대사가 결말이 분위기가 주인공이 연출이 편집이 전개가".split()
DEGREES = "정말 꽤 무척 아주 조금 제법".split()
PRAISE = "훌륭했다 재미있었다 신선했다 아름다웠다 유쾌했다 뛰어났다 흥미로웠다 자연스러웠다 감동적이었다 완벽했다".split()
BLAME = "지루했다 어설펐다 뻔했다 실망스러웠다 산만했다 답답했다 허술했다 유치했다 밋밋했다 어색했다".split()
index = {word: i for i, word in enumerate(["안", *TOPICS, *DEGREES, *PRAISE, *BLAME], start=1)}   # 0은 빈자리
ROWS, TRAIN, LENGTH = 5000, 4000, 40


def invented_review(likes):
    words = []
    for _ in range(np.random.randint(6, 11)):
        praises = (np.random.rand() < 0.9) == likes
        turned = np.random.rand() < 0.3
        words.append(np.random.choice(TOPICS))
        if np.random.rand() < 0.5:
            words.append(np.random.choice(DEGREES))
        if turned:
            words.append("안")
        words.append(np.random.choice(PRAISE if praises != turned else BLAME))
    return words


y = np.random.randint(0, 2, ROWS)
reviews = [invented_review(likes) for likes in y == 1]
numbers = [[index[word] for word in review] for review in reviews]
x = tf.keras.utils.pad_sequences(numbers, maxlen=LENGTH)
x_train, y_train, x_test, y_test = x[:TRAIN], y[:TRAIN], x[TRAIN:], y[TRAIN:]

print(y[0], " ".join(reviews[0][:20]))
print(x_train.shape, x_train[0])

# %% [markdown]
# ## 2. 모델 / Model
#
# ```
#  층 layer                 출력 output    파라미터 parameters
#  ------------------------------------------------------------------
#  입력 input               (40,)
#  Embedding(10000, 32)     (40, 32)       10000 · 32             = ______
#  LSTM(32)                 (32,)          4 · 32 · (32 + 32 + 1) = ______
#  Dense(1, sigmoid)        (1,)           32 + 1                 = ______
#  ------------------------------------------------------------------
#                                          합계 total
# ```
#
# Embedding은 번호마다 벡터 하나를 가진 표입니다. 우리 낱말은 39개뿐이지만 진짜 감상평에 맞춰 10000개를 잡습니다.
#
# Embedding is a table with one vector per number. Our list has only 39 words; 10000 is what real reviews would need.

# %% tags=["answer"]
# Input → Embedding(10000, 32) → LSTM(32) → Dense(1, sigmoid)
### BEGIN SOLUTION
model = tf.keras.Sequential([
    tf.keras.layers.Input(shape=(LENGTH,)),
    tf.keras.layers.Embedding(10000, 32),
    tf.keras.layers.LSTM(32),
    tf.keras.layers.Dense(1, activation='sigmoid'),
])
### END SOLUTION
model.summary()

# %% [markdown]
# ## 3. 학습 / Training
#
# `adam`, `binary_crossentropy`, `metrics=['accuracy']`, 배치 크기 64, 10에포크, `validation_data=(x_test, y_test)`로 학습하고 결과를 `history`에 담으십시오. 1분이 걸리지 않습니다.
#
# Train with `adam`, `binary_crossentropy`, `metrics=['accuracy']`, batches of 64, 10 epochs, `validation_data=(x_test, y_test)`; keep the result in `history`. It takes less than a minute.

# %% tags=["answer"]
# compile, fit
### BEGIN SOLUTION
model.compile(optimizer='adam', loss='binary_crossentropy', metrics=['accuracy'])
history = model.fit(x_train, y_train, epochs=10, batch_size=64, validation_data=(x_test, y_test))
### END SOLUTION

# %%
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
trial = [[index[word] for word in phrase.split() * 4] for phrase in phrases]
chances = model.predict(tf.keras.utils.pad_sequences(trial, maxlen=LENGTH), verbose=0)[:, 0]
for phrase, chance in zip(phrases, chances):
    print(f"{chance:6.3f}   {phrase}")

# %% [markdown]
# ### 생각해 보기 / Think
#
# - 검증 정확도가 85% 근처에 머물다가 다시 오릅니다. 그때 모델은 무엇을 알아차렸습니까? / Validation accuracy waits near 85 % and rises again. What has the model noticed by then?
# - 파라미터 328353개 중 실제로 쓰이는 것은 몇 개쯤입니까? / How many of the 328353 parameters are ever used?
#
# <!-- points -->
