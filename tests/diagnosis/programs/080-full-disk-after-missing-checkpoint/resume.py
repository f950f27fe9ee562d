# SPDX-License-Identifier: MIT
import traceback

try:
    with open("last.ckpt", "rb") as f:
        state = f.read()
except FileNotFoundError:
    traceback.print_exc()
    print("no checkpoint to resume from, starting from scratch", flush=True)
    state = b""
for epoch in range(3):
    print(f"epoch {epoch}: ok ({len(state)} bytes of state)")
