# SPDX-License-Identifier: MIT
ROWS = 32768


def matrix(rows):
    return bytearray(rows * rows * 4)


print(f"similarity matrix of {ROWS} x {ROWS} floats", flush=True)
similarity = matrix(ROWS)
print("filled", len(similarity))
