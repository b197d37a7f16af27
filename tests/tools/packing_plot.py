#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws what `kilonova-scheduler replay -o json` says as an SVG: empty hosts and refused cores.

  build/release/bin/kilonova-scheduler replay --trace FILE -o json | tests/tools/packing_plot.py >docs/packing.svg
"""
import json
import sys

COLORS = {"spread": "#888888", "best-fit": "#1f77b4", "balance": "#2ca02c", "lifetime": "#d62728"}
WIDTH, HEIGHT, MARGIN, GAP = 330, 220, 46, 60


def panel(rows, left, title, value, unit):
    peaks = sorted({r["peak_percent"] for r in rows})
    policies = [p for p in COLORS if any(r["policy"] == p for r in rows)]
    most = max(max((value(r) for r in rows), default=0), 1e-9) * 1.15
    bottom = MARGIN + HEIGHT
    out = [f'<text x="{left + WIDTH / 2}" y="{MARGIN - 18}" text-anchor="middle" font-weight="bold">'
           f'{title}</text>',
           f'<line x1="{left}" y1="{bottom}" x2="{left + WIDTH}" y2="{bottom}" stroke="#333"/>']
    for tick in range(5):
        at = most * tick / 4
        y = bottom - HEIGHT * tick / 4
        out.append(f'<line x1="{left}" y1="{y}" x2="{left + WIDTH}" y2="{y}" stroke="#ddd"/>')
        out.append(f'<text x="{left - 6}" y="{y + 4}" text-anchor="end">{at:.1f}{unit}</text>')
    group = WIDTH / len(peaks)
    bar = group * 0.8 / len(policies)
    for i, peak in enumerate(peaks):
        out.append(f'<text x="{left + group * (i + 0.5)}" y="{bottom + 16}" text-anchor="middle">'
                   f'peak {peak:g} % of capacity</text>')
        for k, policy in enumerate(policies):
            for row in rows:
                if row["peak_percent"] == peak and row["policy"] == policy:
                    height = HEIGHT * value(row) / most
                    x = left + group * i + group * 0.1 + bar * k
                    out.append(f'<rect x="{x:.1f}" y="{bottom - height:.1f}" width="{bar:.1f}" '
                               f'height="{height:.1f}" fill="{COLORS[policy]}">'
                               f'<title>{policy}: {value(row):.2f}{unit}</title></rect>')
    return out


def main():
    rows = json.load(sys.stdin)
    second = MARGIN + WIDTH + GAP
    width, height = second + WIDTH + 20, MARGIN + HEIGHT + 60
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
           'font-family="sans-serif" font-size="11">',
           f'<rect width="{width}" height="{height}" fill="white"/>']
    out += panel(rows, MARGIN, "Empty hosts", lambda r: r["empty_hosts"] * 100, " %")
    out += panel(rows, second, "Refused cores", lambda r: r["refused_share"] * 100, " %")
    x = MARGIN
    for policy, color in COLORS.items():
        y = MARGIN + HEIGHT + 34
        out.append(f'<rect x="{x}" y="{y}" width="12" height="12" fill="{color}"/>')
        out.append(f'<text x="{x + 17}" y="{y + 10}">{policy}</text>')
        x += 100
    out.append("</svg>")
    print("\n".join(out))


if __name__ == "__main__":
    main()
