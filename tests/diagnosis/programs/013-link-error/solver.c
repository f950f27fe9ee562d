/* SPDX-License-Identifier: MIT */
/* Multiplies two matrices by BLAS. */
void cblas_dgemm(const double *a, const double *b, double *c);

int main(void)
{
    double a[4] = {1, 2, 3, 4}, b[4] = {0, 1, 1, 0}, c[4];
    cblas_dgemm(a, b, c);
    return c[0] > 0 ? 0 : 1;
}
