# SPDX-License-Identifier: Apache-2.0
"""Bar and line charts as SVG, readable on light and on dark pages."""
import html

ROW, GAP, LEFT, WIDTH, RIGHT = 20, 26, 230, 430, 150
STYLE = """<style>
  text { font: 12px system-ui, sans-serif; fill: #57606a }
  .title { font-weight: 600; fill: #1f6feb }
  .varve { fill: #1f6feb } .other { fill: #9aa4b0 } .spread { stroke: #57606a; stroke-width: 1.5 }
  .axis { stroke: #9aa4b0; stroke-width: 1 } .line { fill: none; stroke-width: 1.5 }
  .line.ours { stroke-width: 3 } .end { font-size: 11px }
</style>"""
COLOURS = ("#8250df", "#bf8700", "#cf222e", "#1a7f37", "#57606a", "#0a7ea4")


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
    return document(parts, LEFT + WIDTH + RIGHT, y)


def lines(groups, across, unit):
    """`groups` is a list of (title, xs, series), a series (label, ys, ours); an y may be None."""
    left, width, height, right = 60, 330, 200, 190
    parts, y = [], 10
    for title, xs, series in groups:
        y += 16
        parts.append(f'<text class="title" x="8" y="{y}">{html.escape(title)}</text>'
                     f'<text x="{left + width}" y="{y}" text-anchor="end">{html.escape(unit)} over '
                     f'{html.escape(across)}</text>')
        top, floor = y + 14, y + 14 + height
        most = max((value for _, ys, _ in series for value in ys if value is not None), default=1)
        most = most or 1
        shown = f"{most:,.0f}" if most >= 1000 else f"{most:.3g}"
        place = [left + width * i / max(len(xs) - 1, 1) for i in range(len(xs))]
        parts.append(f'<line class="axis" x1="{left}" x2="{left + width}" y1="{floor}" '
                     f'y2="{floor}"/><text x="{left - 6}" y="{floor}" text-anchor="end">0</text>'
                     f'<text x="{left - 6}" y="{top + 8}" text-anchor="end">{shown}</text>')
        for x, name in zip(place, xs):
            parts.append(f'<text x="{x:.0f}" y="{floor + 16}" text-anchor="middle">{name}</text>')
        ends, colours = [], iter(COLOURS * 9)
        for label, ys, ours in series:
            points = [(x, floor - height * value / most)
                      for x, value in zip(place, ys) if value is not None]
            if not points:
                continue
            colour = "#1f6feb" if ours else next(colours)
            path = " ".join(f"{x:.1f},{at:.1f}" for x, at in points)
            parts.append(f'<polyline class="line{" ours" if ours else ""}" stroke="{colour}" '
                         f'points="{path}"/>')
            ends.append((points[-1][1], label, colour))
        below = top - 14
        for at, label, colour in sorted(ends):
            below = max(at + 4, below + 13)
            parts.append(f'<text class="end" x="{left + width + 12}" y="{below:.1f}" '
                         f'style="fill: {colour}">{html.escape(label)}</text>')
        y = floor + 16 + GAP
    return document(parts, left + width + right, y)


def document(parts, width, height):
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return (f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n<!-- SPDX-License-Identifier: '
            f'Apache-2.0 -->\n{STYLE}\n' + "\n".join(parts) + "\n</svg>\n")
