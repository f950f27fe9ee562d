# SPDX-License-Identifier: MIT
import threading

stop = threading.Event()
print("starting 512 prefetch threads", flush=True)
threads = [threading.Thread(target=stop.wait, daemon=True) for _ in range(512)]
try:
    for thread in threads:
        thread.start()
finally:
    stop.set()
print("prefetching")
