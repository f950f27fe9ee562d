# SPDX-License-Identifier: MIT
import os
import tempfile


def main():
    with tempfile.TemporaryDirectory() as folder:
        parts = []
        for number in range(100):
            parts.append(open(os.path.join(folder, f"part-{number:05d}"), "w+", encoding="utf-8"))
            print(f"part {number} opened", flush=True)
        print("merging", len(parts))


main()
