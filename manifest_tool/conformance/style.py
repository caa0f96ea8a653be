"""How the page of a report looks: on paper, on a phone, by day and by night."""

from __future__ import annotations

CSS = """
:root {
  color-scheme: light dark;
  --ground: #ffffff; --raised: #f4f5f7; --line: #d5d9de; --text: #1b1f24; --quiet: #57606a; --link: #0b57c2;
  --pass: #146c2e; --fail: #b42318; --unsupported: #7a4d00; --untried: #57606a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12161b; --raised: #1c2229; --line: #39414b; --text: #e6e9ed; --quiet: #a3adb8; --link: #7db4ff;
    --pass: #5fd07f; --fail: #ff9489; --unsupported: #e6b450; --untried: #a3adb8;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.5rem; max-width: 68rem; background: var(--ground); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere;
}
h1 { margin: 0; font-size: 1.5rem; line-height: 1.25; }
h1 span { display: block; font-weight: 400; font-size: 1.1rem; }
h2 { margin: 2.5rem 0 .75rem; font-size: 1.2rem; }
h3 { margin: 1.25rem 0 .25rem; font-size: 1rem; }
.when { margin: .25rem 0 0; color: var(--quiet); }
.pass { color: var(--pass); } .fail { color: var(--fail); }
.unsupported { color: var(--unsupported); } .untried { color: var(--untried); }
.verdict { padding: .75rem 1rem; border-left: .3rem solid; background: var(--raised); font-weight: 600; }
.counts { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 1rem 0; padding: 0; list-style: none; }
.counts b { font-size: 1.5rem; }
a { color: var(--link); }
code, pre { font: .875em/1.45 ui-monospace, monospace; }
.checks code { white-space: nowrap; }
table { width: 100%; border-collapse: collapse; }
caption { padding: .5rem 0; font-weight: 600; text-align: left; }
th, td { padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
thead th { color: var(--quiet); font-size: .875rem; font-weight: 600; }
tbody th { padding-top: 1.25rem; font-size: 1.05rem; }
td:first-child { width: 8rem; font-weight: 600; white-space: nowrap; }
.checks td:nth-child(2) { width: 45%; }
.time { white-space: nowrap; text-align: right; color: var(--quiet); font-variant-numeric: tabular-nums; }
thead th:last-child { text-align: right; }
.features thead th:last-child { text-align: left; }
.needed { color: var(--quiet); font-size: .875rem; white-space: nowrap; }
details { margin: .5rem 0; padding: .5rem 1rem; border: 1px solid var(--line); border-radius: .4rem; }
summary { cursor: pointer; }
pre { margin: .75rem 0; padding: .75rem; background: var(--raised); white-space: pre-wrap; }
:target { outline: 2px solid var(--link); }
@media (max-width: 40rem) {
  body { padding: 1rem; }
  .checks thead { display: none; }
  .checks, .checks tbody, .checks tr, .checks th, .checks td { display: block; border: 0; padding: 0; }
  .checks tbody th { padding: 1.25rem 0 .25rem; }
  .checks tr { padding: .4rem 0; border-bottom: 1px solid var(--line); }
  .checks td:nth-child(2) { width: auto; }
  .checks td:nth-child(3) { color: var(--quiet); }
  .checks .time { display: none; }
  td:first-child { width: 7rem; }
}
@media print {
  body { padding: 0; max-width: none; font-size: 10pt; }
  details { break-inside: avoid; }
  details::details-content { content-visibility: visible; display: block; }
  tr, .verdict { break-inside: avoid; }
}
"""
