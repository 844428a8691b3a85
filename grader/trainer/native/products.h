// Products of small matrices, kept in registers tile by tile.
#pragma once

#include "vectors.h"

namespace rnn {

// A number that is known when compiling, as an argument.
template <int N>
struct Count {
  static constexpr int value = N;
};

// act(R, n) for rows n, n + 1, … n + R - 1: R rows at once, and ever fewer of those that are left.
template <int Rows, class Act>
RNN_INLINE void by_rows(long begin, long end, const Act& act) {
  for (; begin + Rows <= end; begin += Rows) act(Count<Rows>{}, begin);
  if constexpr (Rows > 1) by_rows<Rows / 2>(begin, end, act);
}

// How many rows of so many sums each fit into the registers: a power of two.
constexpr int rows_of(int sums) {
  int rows = 1;
  while (2 * rows * sums <= kRegisters && rows < 8) rows *= 2;
  return rows;
}

// sums[r][v] += sum over k of a[r * a_row + k * a_step] * b[k * b_step + v * b_vector …]
template <int Rows, int Vectors>
RNN_INLINE void multiply(Vector (&sums)[Rows][Vectors], long depth, const float* a, long a_row,
                         long a_step, const float* b, long b_step, long b_vector) {
  for (long k = 0; k < depth; ++k) {
    Vector right[Vectors];
    for (int v = 0; v < Vectors; ++v) right[v] = load(b + k * b_step + v * b_vector);
    for (int r = 0; r < Rows; ++r) {
      const Vector left = all(a[r * a_row + k * a_step]);
      for (int v = 0; v < Vectors; ++v) sums[r][v] += left * right[v];
    }
  }
}

// out (rows, columns) += a (rows, depth) . b (depth, columns), summed over `pieces` of both.
struct Product {
  const float* a;
  long a_row, a_step, a_piece;
  const float* b;
  long b_step, b_piece;
  long pieces, depth;
  float* out;
  long out_row;
  long rows, columns;  // columns: a multiple of the width
};

template <int Vectors>
RNN_INLINE void add_columns(const Product& p, long column) {
  by_rows<rows_of(2)>(0, p.rows, [&](auto rows, long row) {
    constexpr int R = decltype(rows)::value;
    Vector sums[R][Vectors] = {};
    for (long piece = 0; piece < p.pieces; ++piece)
      multiply(sums, p.depth, p.a + row * p.a_row + piece * p.a_piece, p.a_row, p.a_step,
               p.b + column + piece * p.b_piece, p.b_step, kWidth);
    for (int r = 0; r < R; ++r)
      for (int v = 0; v < Vectors; ++v) {
        float* to = p.out + (row + r) * p.out_row + column + v * kWidth;
        store(to, load(to) + sums[r][v]);
      }
  });
}

inline void add_product(const Product& p) {
  long column = 0;
  for (; column + 2 * kWidth <= p.columns; column += 2 * kWidth) add_columns<2>(p, column);
  if (column < p.columns) add_columns<1>(p, column);
}

}  // namespace rnn
