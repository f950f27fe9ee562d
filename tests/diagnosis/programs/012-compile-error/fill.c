/* SPDX-License-Identifier: MIT */
/* Fills a vector with one value. */
void fill(float *out, int n, float value);

void fill(float *out, int n, float value)
{
    int spare = n; /* a warning among the errors */
    for (int i = 0; i < n; i++)
        out[i] = value;
}
