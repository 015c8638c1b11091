// Where control's log lines go: standard error, one line each, with the time unless the journal adds its own.

export type Log = (text: string) => void;

export function openLog(stream: NodeJS.WritableStream, journal: boolean): Log {
  // Nobody reading, or a full disk, is no reason to lose the router.
  stream.on('error', () => {});
  return (text) => stream.write(journal ? `${text}\n` : `${new Date().toISOString()} ${text}\n`);
}
