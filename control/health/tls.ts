// What SSL_GET says when TLS begins: which name, which certificate, and whom it believes.

import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { HttpUrl, Tls, TlsFiles } from '../config/checker.js';
import type { TlsTerms } from './connection.js';

/** Throws when a file of the SSL block cannot be used. */
export function tlsTerms(tls: Tls, url: HttpUrl, virtualHost: string | undefined): TlsTerms {
  const name = tls.sni === undefined ? undefined : (tls.sni.name ?? url.virtualHost ?? virtualHost);
  return {
    options: {
      secureContext: contextOf(tls.files),
      // The chain is checked where there is something to check it with; the name is not: servers are addressed by number.
      rejectUnauthorized: tls.files.ca !== undefined,
      checkServerIdentity: () => undefined,
      // Node would send the address otherwise, and an address is no server name (RFC 6066 3).
      servername: name ?? '',
    },
    compliant: tls.compliant === true || url.tlsCompliant === true,
  };
}

const contexts = new WeakMap<TlsFiles, { readonly read: number; readonly context: SecureContext }>();
/** Certificates are renewed in place. */
const REREAD_MS = 60_000;

function contextOf(files: TlsFiles): SecureContext {
  const known = contexts.get(files);
  if (known !== undefined && performance.now() - known.read < REREAD_MS) return known.context;
  const context = createSecureContext({
    ...(files.ca !== undefined && { ca: read(files.ca) }),
    ...(files.certificate !== undefined && { cert: read(files.certificate) }),
    ...(files.key !== undefined && { key: read(files.key) }),
    ...(files.password !== undefined && { passphrase: files.password }),
    // keepalived asks with whatever OpenSSL still speaks.
    minVersion: 'TLSv1',
  });
  contexts.set(files, { read: performance.now(), context });
  return context;
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (problem) {
    throw new Error(`cannot read ${file} of SSL { }: ${(problem as Error).message}`);
  }
}
