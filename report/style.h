// The page's style sheet: colours for light and dark as variables, one column on a phone and two on a desk, and print.
#pragma once

#include <string_view>

namespace adaq::report {

inline constexpr std::string_view kStyle = R"css(
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --text: #1b2330; --muted: #586374; --hair: #dfe3e9; --stripe: #f4f6f8;
  --float: #9aa6b5; --quantised: #2563c9; --agreement: #12897b; --outputs: #c2570c; --clipped: #c81e3a;
  --band: #cfe0f8; --level: #c2570c; --accent: #e8f0fc;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #12161c; --card: #1b2129; --text: #e7ebf1; --muted: #a0abba; --hair: #323b47; --stripe: #202731;
    --float: #7f8c9d; --quantised: #6ea3f5; --agreement: #3fbfae; --outputs: #f5a05a; --clipped: #ff6b80;
    --band: #2b4468; --level: #f5a05a; --accent: #1f2d42;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 1200px; margin: 0 auto; padding: 28px 20px 40px; }
h1 { margin: 0 0 4px; font-size: 30px; line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin: 34px 0 10px; font-size: 20px; }
h3 { margin: 0 0 2px; font-size: 15px; }
p { margin: 0 0 8px; }
.eyebrow { color: var(--muted); font-size: 13px; letter-spacing: .04em; }
.verdict { margin-top: 14px; padding: 14px 16px; background: var(--accent); border-left: 4px solid var(--quantised); border-radius: 6px; font-size: 17px; }
.muted, figcaption, .legend { color: var(--muted); font-size: 13px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); gap: 12px; margin: 16px 0 0; }
.tile, figure, details, .card { background: var(--card); border: 1px solid var(--hair); border-radius: 8px; }
.tile { padding: 12px 14px; min-width: 0; }
.tile dt { color: var(--muted); font-size: 13px; }
.tile dd { margin: 0; }
.tile .big { font-size: 24px; font-weight: 650; line-height: 1.25; }
.tile .small { color: var(--muted); font-size: 13px; }
.card { padding: 12px 16px; }
.card ul { margin: 0; padding-left: 20px; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 14px; }
.pair + p { margin-top: 14px; }
figure { margin: 0; padding: 12px 14px; min-width: 0; }
.multiples { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(46%, 190px), 1fr)); gap: 10px; }
.multiples figure { padding: 8px 10px 4px; }
.multiples h3 { font: 600 12px/1.4 ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.multiples figcaption { font-size: 12px; line-height: 1.35; margin-bottom: 4px; }
svg { display: block; width: 100%; height: auto; font-family: inherit; }
.chart { max-width: 560px; margin: 6px auto 0; }
text { fill: var(--text); font-size: 12px; }
.tick { fill: var(--muted); font-size: 11px; }
.caption { fill: var(--muted); font-size: 11.5px; }
.layer-name { font: 11.5px ui-monospace, "DejaVu Sans Mono", monospace; }
.figure, .value { font-variant-numeric: tabular-nums; }
.figure { font-size: 11px; }
.value { font-weight: 600; }
.on-bar { fill: var(--card); font-weight: 700; }
.grid { stroke: var(--hair); }
.zero, .base { stroke: var(--muted); }
.stripe { fill: var(--stripe); }
rect.float { fill: var(--float); } rect.nearest { fill: var(--quantised); opacity: .5; } rect.quantised, rect.weights { fill: var(--quantised); } rect.agreement { fill: var(--agreement); }
.whisker { stroke: var(--text); stroke-width: 1.5; }
circle.outputs { fill: var(--outputs); stroke: var(--card); stroke-width: 1; }
.band { fill: var(--band); }
.observed { stroke: var(--quantised); stroke-width: 2; } .outside { stroke: var(--clipped); stroke-width: 2; } .arrow { fill: var(--clipped); }
.extent { fill: var(--band); opacity: .45; }
.counts { fill: var(--quantised); opacity: .8; }
.level { stroke: var(--level); stroke-width: .9; } .edge { stroke: var(--level); stroke-width: 1.4; }
rect.down { fill: var(--outputs); } circle.scale { fill: var(--quantised); }
.curve { fill: none; stroke-width: 1.3; stroke-linejoin: round; } .reconstruction { stroke: var(--quantised); } .prediction { stroke: var(--agreement); } .penalty { stroke: var(--outputs); }
.unsettled { fill: var(--agreement); opacity: .45; }
.legend span { display: inline-block; margin-right: 14px; white-space: nowrap; }
.legend i { display: inline-block; width: 11px; height: 11px; margin-right: 5px; border-radius: 2px; vertical-align: -1px; }
.legend .dot { border-radius: 50%; } .legend .stroke { height: 3px; vertical-align: 3px; } .legend .upright { width: 2px; }
.k-float { background: var(--float); } .k-quantised { background: var(--quantised); } .k-agreement { background: var(--agreement); }
.k-outputs { background: var(--outputs); } .k-clipped { background: var(--clipped); } .k-band { background: var(--band); }
details { margin-top: 10px; padding: 0 14px; }
summary { padding: 10px 0; font-weight: 600; cursor: pointer; }
.scroll { overflow-x: auto; padding-bottom: 12px; }
table { border-collapse: collapse; font-size: 12.5px; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 7px; border-bottom: 1px solid var(--hair); text-align: right; white-space: nowrap; }
th { color: var(--muted); font-weight: 600; vertical-align: bottom; white-space: normal; }
th:first-child, td:first-child, .words td, .words th { text-align: left; }
.words td:last-child { white-space: normal; overflow-wrap: anywhere; }
.words td:first-child { color: var(--muted); vertical-align: top; }
.sweep { width: 100%; } .card + p { margin-top: 10px; }
.sweep td, .sweep th { vertical-align: top; } .sweep tbody th { color: var(--text); white-space: nowrap; }
.sweep td b { font-size: 14px; } .sweep td { min-width: 62px; } .strip { width: 96px; height: 10px; margin: 3px 0 0 auto; } .failed { color: var(--clipped); }
code { font: 13px ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
footer { margin-top: 28px; color: var(--muted); font-size: 13px; }
@media (max-width: 560px) {
  main { padding: 18px 12px 28px; } h1 { font-size: 24px; } .verdict { font-size: 16px; } .tiles { grid-template-columns: 1fr 1fr; gap: 8px; }
  figure { padding: 10px 8px; } .chart text { font-size: 13.5px; } .chart .tick, .chart .caption { font-size: 13px; }
  .chart .layer-name { font-size: 12px; }
}
@media print {
  :root { color-scheme: light; --page: #fff; }
  .pair { grid-template-columns: 1fr 1fr; } .multiples { grid-template-columns: repeat(4, 1fr); }
  body { font-size: 11pt; } main { max-width: none; padding: 0; }
  figure, tr, .tile { break-inside: avoid; } h2 { break-after: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  details::details-content { content-visibility: visible; display: block; height: auto; }
  .scroll { overflow: visible; } table { font-size: 7pt; } th, td { padding: 2px 3px; }
}
)css";

}  // namespace adaq::report
