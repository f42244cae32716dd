# SPDX-License-Identifier: Apache-2.0
"""Bar charts as SVG, readable on light and on dark pages."""
import html

ROW, GAP, LEFT, WIDTH, RIGHT = 20, 26, 230, 430, 150
STYLE = """<style>
  text { font: 12px system-ui, sans-serif; fill: #57606a }
  .title { font-weight: 600; fill: #1f6feb }
  .varve { fill: #1f6feb } .other { fill: #9aa4b0 } .spread { stroke: #57606a; stroke-width: 1.5 }
</style>"""


def bars(groups, unit):
    """`groups` is a list of (title, rows), a row (label, median, low, high, ours)."""
    parts, y = [], 10
    for title, rows in groups:
        y += 16
        parts.append(f'<text class="title" x="8" y="{y}">{html.escape(title)}</text>')
        y += 8
        scale = WIDTH / max(high for _, _, _, high, _ in rows)
        for label, median, low, high, ours in rows:
            kind = "varve" if ours else "other"
            middle = y + ROW / 2
            least, most = LEFT + low * scale, LEFT + high * scale
            parts.append(
                f'<text x="{LEFT - 8}" y="{middle + 4}" text-anchor="end">{html.escape(label)}'
                f'</text><rect class="{kind}" x="{LEFT}" y="{y + 3}" '
                f'width="{median * scale:.1f}" height="{ROW - 6}" rx="2"/>'
                f'<line class="spread" x1="{least:.1f}" x2="{most:.1f}" '
                f'y1="{middle}" y2="{middle}"/>'
                f'<text x="{most + 6:.1f}" y="{middle + 4}">{median:.4g} {unit}</text>')
            y += ROW
        y += GAP - 16
    size = f'width="{LEFT + WIDTH + RIGHT}" height="{y}" viewBox="0 0 {LEFT + WIDTH + RIGHT} {y}"'
    return (f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n<!-- SPDX-License-Identifier: '
            f'Apache-2.0 -->\n{STYLE}\n' + "\n".join(parts) + "\n</svg>\n")
