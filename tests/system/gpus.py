# SPDX-License-Identifier: MIT
"""Servers whose GPUs are those of the stand-in for NVIDIA's library (tests/nvml), which plays a scenario."""
import os

import droverlib

LIBRARY = os.path.join(os.path.dirname(droverlib.BIN), "tests", "nvml")


class Server(droverlib.Server):
    """With GPUs as `scenario` has them (lines of tests/nvml/fake_nvml.c), sampled every second; play() changes it."""

    def __init__(self, scenario, config=None):
        super().__init__(dict({"gpuSampleSeconds": 1}, **(config or {})))
        if not os.path.exists(os.path.join(LIBRARY, "libnvidia-ml.so.1")):
            raise RuntimeError("no stand-in library in %s: build first" % LIBRARY)
        del self.config["gpus"]
        devices = os.path.join(self.folder, "dev")
        os.mkdir(devices)
        for i in range(10):
            os.symlink("/dev/null", os.path.join(devices, "gpu%d" % i))
        self.config["gpuDevice"] = os.path.join(devices, "gpu%")
        self.scenario = os.path.join(self.folder, "scenario")
        self.env.update(LD_LIBRARY_PATH=LIBRARY, DROVER_FAKE_NVML=self.scenario)
        self.play(*scenario)

    def play(self, *lines):
        with open(self.scenario + ".next", "w", encoding="utf-8") as f:
            f.write("".join(line.strip() + "\n" for line in lines))
        os.rename(self.scenario + ".next", self.scenario)
