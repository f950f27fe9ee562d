/* SPDX-License-Identifier: MIT */
/* Turns rows into columns. */
void transpose(float *out, const float *in, int rows);

void transpose(float *out, const float *in, int rows)
{
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++)
            out[c * rows + r] = in[r * cols + c];
}
