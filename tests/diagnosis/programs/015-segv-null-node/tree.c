/* SPDX-License-Identifier: MIT */
/* Walks a tree that lacks a node. */
#include <stdio.h>

struct node {
    struct node *left, *right;
    double gain;
};

static double walk(const struct node *n, int depth)
{
    printf("depth %d gain %.3f\n", depth, n->gain);
    fflush(stdout);
    return n->gain + walk(depth % 2 ? n->left : n->right, depth + 1);
}

int main(void)
{
    struct node leaf = {NULL, NULL, 0.25}, inner = {&leaf, NULL, 0.5}, root = {NULL, &inner, 1.0};
    printf("total %.3f\n", walk(&root, 0));
    return 0;
}
