// SPDX-License-Identifier: MIT
// The last figures of a GPU in a line; what its driver does not tell is left out.
import type { DeviceSample } from '../api.ts';
import { bytes } from '../format.ts';
import { t } from '../words.ts';

export function DeviceFigures({ sample }: { sample: DeviceSample | null }) {
  if (!sample) return <span class="dim">{t('gpu.noSample')}</span>;
  const { utilization, memoryUsed, memoryTotal, temperature, powerMilliwatts } = sample;
  const parts = [
    utilization !== null && t('gpu.busy', { percent: utilization }),
    memoryUsed !== null && memoryTotal !== null && t('use', { used: bytes(memoryUsed), total: bytes(memoryTotal) }),
    temperature !== null && `${temperature} °C`,
    powerMilliwatts !== null && `${Math.round(powerMilliwatts / 1000)} W`,
  ];
  return <span class="dim">{parts.filter(Boolean).join(' · ')}</span>;
}
