// Users and groups by name, as passwd(5) and group(5) list them.

import type { ScriptUser } from './model.js';

export interface Users {
  /** With the user's own group, or another. */
  readonly find: (user: string, group?: string) => ScriptUser | { readonly problem: string };
}

export function readUsers(passwd: string, groups: string): Users {
  const users = entries(passwd);
  const groupIds = entries(groups);
  return {
    find: (name, group) => {
      const [, , uid, gid] = users.get(name) ?? [];
      if (uid === undefined || gid === undefined) return { problem: `there is no user ${name}` };
      const asked = group?.replace(/^:/, '');
      const [, , ownGid = asked ? undefined : gid] = groupIds.get(asked ?? '') ?? [];
      if (ownGid === undefined) return { problem: `there is no group ${asked}` };
      return { name, uid: Number(uid), gid: Number(ownGid), ...(group?.startsWith(':') ? { allGroups: true } : {}) };
    },
  };
}

function entries(text: string): ReadonlyMap<string, readonly string[]> {
  const lines = text.split('\n').map((line) => line.split(':'));
  return new Map(
    lines.flatMap((fields) => (fields.length >= 3 && /^\d+$/.test(fields[2] ?? '') ? [[fields[0] ?? '', fields] as const] : [])),
  );
}
