// natlb.conf(5), from the tables of keywords and what is said of them: a page for man(1).

import type { Block, Keyword } from '../keyword.js';
import { MANUAL } from './manual.js';
import type { Meaning } from './meaning.js';

type Described = Pick<Block<unknown>, 'name' | 'keywords'>;

const HEAD = `.\\" Made from the tables of keywords (control/config): natlb manual.
.TH NATLB.CONF 5 "" natlb "File formats"
.SH NAME
natlb.conf \\- configuration of the natlb load balancer
.SH DESCRIPTION
natlb reads the
.I keepalived.conf
of keepalived(8): words, one statement a line, blocks in braces, comments behind # or !.
Words with blanks stand in quotation marks, and a backslash at the end of a line continues it.
.PP
.BI include " PATTERN"
reads other files,
.BI $NAME= TEXT
defines what
.B $NAME
and
.B \${NAME}
stand for,
.BI @ ID
and
.BI @^ ID
begin lines for one configuration id or for all others, and
.BI "~SEQ(" "NAME, FROM, [STEP,] TO" )
and
.BI "~LST(" "NAME, VALUE\\fR...\\fI" )
repeat the line they begin.
Times are seconds, with fractions where they make sense.
.PP
What natlb does not honour says so here, and once when the file is read; nothing is ignored in silence.
`;

export function manualPage(blocks: readonly Described[]): string {
  const described = new Map(blocks.map((block) => [block.name, block]));
  const sections = Object.entries(MANUAL).flatMap(([name, meanings]) => {
    const block = described.get(name);
    return block === undefined
      ? []
      : [`.SH ${roff(name).toUpperCase() === roff(name) ? roff(name) : `"${roff(name)}"`}\n`, ...entries(block, meanings)];
  });
  return `${HEAD}${sections.join('')}.SH SEE ALSO\nnatlb(8), keepalived.conf(5), ipvsadm(8)\n`;
}

function entries({ keywords }: Described, meanings: Readonly<Record<string, Meaning>>): string[] {
  return [...keywords.values()].map((keyword) => entry(keyword, meanings[keyword.name] ?? ['', '']));
}

function entry({ name, takes, set, without, happens }: Keyword<unknown>, [absent, text]: Meaning): string {
  const after = absent === '' ? '' : ` Default: ${absent}.`;
  const unhonoured = set === undefined ? ` Not honoured${without === undefined ? '' : `: ${without}`}.` : '';
  const unneeded = happens === undefined ? '' : ` Changes nothing: ${happens}.`;
  return `.TP\n.B ${roff(name)}${takes === '' ? '' : ` \\fR${roff(takes)}`}\n${roff(text + after + (unneeded || unhonoured))}\n`;
}

/** A line may not begin like a request, and a backslash or hyphen is to come out as it is. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('…', '...')
    .replaceAll('’', "'")
    .replace(/^([.'])/, '\\&$1');
}
