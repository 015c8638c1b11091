// The draft of how natlb is led and looked at → the frozen Config.

import type { OperatingDraft } from './draft.js';
import type { Dumps, Operating } from './model.js';

export function finishOperating(draft: OperatingDraft): { operating?: Operating } {
  const { reloadTimeFile, reloadRepeat, reloadFile } = draft;
  const dumps = finishDumps(draft);
  const operating = {
    ...(reloadTimeFile !== undefined && { reloadTimeFile }),
    ...(reloadRepeat && { reloadRepeat }),
    ...(reloadFile !== undefined && { reloadFile }),
    ...(Object.keys(dumps).length > 0 && { dumps }),
  };
  return Object.keys(operating).length === 0 ? {} : { operating };
}

function finishDumps(draft: OperatingDraft): Dumps {
  const { stateDumpFile, statsDumpFile, jsonDumpFile, jsonVersion, instanceName, dumpsNameInstance = false } = draft;
  return {
    ...(stateDumpFile !== undefined && { data: stateDumpFile }),
    ...(statsDumpFile !== undefined && { stats: statsDumpFile }),
    ...(jsonDumpFile !== undefined && { json: jsonDumpFile }),
    ...(jsonVersion !== undefined && { jsonVersion }),
    ...(instanceName !== undefined && dumpsNameInstance && { instance: instanceName }),
  };
}
