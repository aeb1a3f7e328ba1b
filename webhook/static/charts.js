// Draws each `figure.chart` with uPlot: one line per numeric column of its table, over the times in the first column.
"use strict";
(() => {
  const HEIGHT = 170;
  const DAY_SECONDS = 86_400;
  const DASHES = [[], [7, 4], [2, 3]];
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const zone = document.documentElement.dataset.zone;
  const drawn = new Map();

  const columns = (figure) => {
    const rows = [...figure.querySelectorAll("details tbody tr")];
    const times = rows.map((row) => Date.parse(row.querySelector("time").dateTime) / 1000);
    const names = [...figure.querySelectorAll("details thead th")].slice(1);
    const figures = names.map((_, place) => rows.map((row) => {
      const text = row.querySelectorAll("td")[place].textContent;
      return text === "" ? null : Number(text);
    }));
    return { names: names.map((name) => name.textContent), data: [times, ...figures] };
  };

  const axis = (more) => ({
    stroke: () => colour("--quiet"), grid: { stroke: () => colour("--line"), width: 1 }, ticks: { show: false }, ...more,
  });

  // While nothing is pointed at, the legend has the latest values; on a touch screen it always would be empty.
  const latest = (chart) => {
    if (chart.cursor.idx == null) chart.setLegend({ idx: chart.data[0].length - 1 }, false);
  };

  const make = (plot, names, data) => {
    const line = (name, place) => ({
      label: name, stroke: () => colour(`--line-${place + 1}`), width: 2, dash: DASHES[place],
      value: (_, value) => (value === null ? "none" : value.toLocaleString("en")),
      // Draw no line between times without a value.
      points: { show: data[place + 1].includes(null), size: 6 },
    });
    const times = data[0];
    const isLong = times.length > 1 && times.at(-1) - times[0] > 2 * DAY_SECONDS;
    return new uPlot({
      width: plot.clientWidth,
      height: HEIGHT,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
      scales: { y: { range: (_, least, most) => [0, Math.max(most * 1.1, Number(plot.dataset.least))] } },
      axes: [axis({ space: 80, size: 32, values: isLong ? "{D} {MMM}" : "{HH}:{mm}" }), axis({ size: 56 })],
      series: [{ label: "Time", value: isLong ? "{D} {MMM} {HH}:{mm}" : "{HH}:{mm}" }, ...names.map(line)],
      cursor: { drag: { x: false, y: false } },
      hooks: { ready: [latest], setData: [latest], setCursor: [latest] },
    }, data, plot);
  };

  const draw = () => {
    for (const figure of document.querySelectorAll("figure.chart")) {
      const plot = figure.querySelector(".plot");
      const { names, data } = columns(figure);
      const known = drawn.get(plot);
      if (known !== undefined) known.setData(data);
      else {
        drawn.set(plot, make(plot, names, data));
        new ResizeObserver(() => drawn.get(plot).setSize({ width: plot.clientWidth, height: HEIGHT })).observe(plot);
      }
    }
  };

  draw();
  document.body.addEventListener("htmx:afterSettle", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn.forEach((chart) => chart.redraw()));
})();
