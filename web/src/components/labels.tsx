// SPDX-License-Identifier: MIT
// What must be said wherever it applies: that GPUs are simulated, that the image was not used.
import { t } from '../words.ts';

export function Simulated() {
  return (
    <span class="label" title={t('label.simulated.why')}>
      {t('label.simulated')}
    </span>
  );
}

export function OnHost() {
  return (
    <span class="label" title={t('label.onHost.why')}>
      {t('label.onHost')}
    </span>
  );
}
