// The programs every server of the lab runs: how each is configured and started, in the foreground and in the server's namespace.

import { chownSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from '../lab.js';
import { run } from '../process.js';

/** A server's own place, and what all servers share. */
export interface Place {
  readonly server: string;
  readonly dir: string;
  readonly secrets: Secrets;
}

export interface ServerProgram {
  readonly name: string;
  /** TCP ports it listens on once it is ready. */
  readonly ports: readonly number[];
  /** Writes what it needs below `dir` and says how to start it. */
  readonly prepare: (place: Place, dir: string) => readonly string[];
}

/** What the servers offer for download, and take up. */
export const FILES = 'files';
export const UPLOADS = 'uploads';

/** A text record of each server with its name, and one with more than fits an Ethernet frame. */
export const NAME_RECORD = 'name.lab';
export const BIG_RECORD = 'big.lab';
export const BIG_STRINGS: readonly string[] = Array.from({ length: 16 }, (_, n) =>
  `${n}:`.padEnd(245, 'abcdefghijklmnopqrstuvwxyz'.slice(n)),
);

const unpacked = (path: string) => join(REPOSITORY, 'build', path);
const NOBODY = 65534;

export const PROGRAMS: readonly ServerProgram[] = [
  { name: 'nginx', ports: [80, 8080, 443], prepare: nginx },
  { name: 'sshd', ports: [2222], prepare: sshd },
  { name: 'vsftpd', ports: [21], prepare: vsftpd },
  { name: 'dnsmasq', ports: [53], prepare: dnsmasq },
  { name: 'iperf3', ports: [5201], prepare: () => ['iperf3', '--server', '--forceflush'] },
];

/** The servers are one pool, so they are one host to their clients: one certificate, one host key. */
export interface Secrets {
  readonly certificate: string;
  readonly certificateKey: string;
  readonly hostKey: string;
  readonly userKey: string;
}

export async function makeSecrets(dir: string): Promise<Secrets> {
  const secrets = {
    certificate: join(dir, 'certificate.pem'),
    certificateKey: join(dir, 'certificate.key'),
    hostKey: join(dir, 'host.key'),
    userKey: join(dir, 'user.key'),
  };
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const names = ['-subj', '/CN=lab', '-addext', 'subjectAltName=DNS:lab'];
  await Promise.all([
    run(['openssl', 'req', '-x509', ...curve, ...names, '-keyout', secrets.certificateKey, '-out', secrets.certificate]),
    run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', secrets.hostKey]),
    run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', secrets.userKey]),
  ]);
  return secrets;
}

function nginx({ server, dir: place, secrets }: Place, dir: string): string[] {
  const scratch = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${join(dir, name)};`);
  const config = join(dir, 'nginx.conf');
  writeFileSync(
    config,
    `daemon off;
user root;
worker_processes 1;
pid ${join(dir, 'pid')};
events {}
http {
    access_log ${join(dir, 'access.log')};
    ${scratch.join('\n    ')}
    client_max_body_size 0;
    server {
        listen 80;
        listen [::]:80 ipv6only=on;
        listen 8080;
        listen [::]:8080 ipv6only=on;
        listen 443 ssl;
        listen [::]:443 ssl ipv6only=on;
        ssl_certificate ${secrets.certificate};
        ssl_certificate_key ${secrets.certificateKey};
        root ${place};
        add_header X-Server ${server} always;
        add_header X-Client $remote_addr always;
        location /${UPLOADS}/ { dav_methods PUT; }
    }
}
`,
  );
  return [unpacked('nginx/usr/sbin/nginx'), '-c', config, '-e', 'stderr'];
}

/**
 * sshd and vsftpd want users of their own, and sshd the folder /run/sshd, which the machine may lack and nobody is to make for a test. In the mount
 * namespace that `ip netns exec` gives each program the accounts are these and the server's place is /run; the machine sees nothing of it.
 */
const ACCOUNTS = [
  'root:x:0:0::/run:/bin/sh',
  `nobody:x:${NOBODY}:${NOBODY}::/:/usr/sbin/nologin`,
  `ftp:x:${NOBODY}:${NOBODY}::/:/usr/sbin/nologin`,
  'sshd:x:65533:65534::/:/usr/sbin/nologin',
];

function withAccounts(place: string, dir: string, command: string): string[] {
  writeFileSync(join(dir, 'passwd'), `${ACCOUNTS.join('\n')}\n`);
  writeFileSync(join(dir, 'shadow'), ACCOUNTS.map((account) => `${account.split(':')[0]}:*:19000::::::\n`).join(''), { mode: 0o600 });
  const script = ['passwd', 'shadow'].map((file) => `mount --bind '${join(dir, file)}' /etc/${file}`);
  return ['sh', '-ec', [...script, `mount --bind '${place}' /run`, `exec ${command}`].join('\n')];
}

function sshd({ server, dir: place, secrets }: Place, dir: string): string[] {
  copyFileSync(secrets.hostKey, join(dir, 'host.key'));
  copyFileSync(`${secrets.userKey}.pub`, join(dir, 'authorized_keys'));
  const config = `Port 2222
HostKey /run/sshd/host.key
AuthorizedKeysFile /run/sshd/authorized_keys
PasswordAuthentication no
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
UseDNS no
PrintMotd no
MaxStartups 100
PidFile none
SetEnv LAB_SERVER=${server}
Subsystem sftp internal-sftp
`;
  writeFileSync(join(dir, 'sshd_config'), config);
  return withAccounts(place, dir, `'${unpacked('openssh-server/usr/sbin/sshd')}' -D -e -f /run/sshd/sshd_config`);
}

/** Anonymous clients may read everything and write below the uploads. */
function vsftpd({ server, dir: place }: Place, dir: string): string[] {
  mkdirSync(join(dir, 'empty'));
  const settings = {
    listen: 'NO',
    listen_ipv6: 'YES',
    background: 'NO',
    anonymous_enable: 'YES',
    no_anon_password: 'YES',
    write_enable: 'YES',
    anon_upload_enable: 'YES',
    anon_other_write_enable: 'YES',
    anon_world_readable_only: 'NO',
    anon_umask: '022',
    anon_root: '/run',
    ftp_username: 'ftp',
    nopriv_user: 'nobody',
    secure_chroot_dir: '/run/vsftpd/empty',
    connect_from_port_20: 'YES',
    ftpd_banner: server,
    xferlog_enable: 'YES',
    vsftpd_log_file: '/run/vsftpd/transfers.log',
    // Its list of allowed system calls is older than today's libraries.
    seccomp_sandbox: 'NO',
  };
  writeFileSync(
    join(dir, 'vsftpd.conf'),
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  return withAccounts(place, dir, `'${unpacked('vsftpd/usr/sbin/vsftpd')}' /run/vsftpd/vsftpd.conf`);
}

function dnsmasq({ server }: Place): string[] {
  const quiet = [
    '--keep-in-foreground',
    '--conf-file=/dev/null',
    '--no-resolv',
    '--no-hosts',
    '--user=root',
    '--group=root',
    '--pid-file=',
  ];
  const records = [`--txt-record=${NAME_RECORD},${server}`, `--txt-record=${BIG_RECORD},${BIG_STRINGS.join(',')}`];
  return ['dnsmasq', ...quiet, '--log-facility=-', '--log-queries=extra', '--edns-packet-max=4096', ...records];
}

/** The folder a server serves from: only the uploads can be written by its clients. */
export function makePlace(dir: string): void {
  mkdirSync(join(dir, FILES), { recursive: true });
  mkdirSync(join(dir, UPLOADS));
  chownSync(join(dir, UPLOADS), NOBODY, NOBODY);
}
