// Draws each `figure.chart` with uPlot: one line per numeric column of its table, over the minutes in the first column.
"use strict";
(() => {
  const HEIGHT = 190;
  const DASHES = [[], [7, 4], [2, 3]];
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const drawn = new Map();

  const columns = (figure) => {
    const rows = [...figure.querySelectorAll("details tbody tr")];
    const minutes = rows.map((row) => Date.parse(row.querySelector("time").dateTime) / 1000);
    const names = [...figure.querySelectorAll("details thead th")].slice(1);
    const figures = names.map((_, place) => rows.map((row) => {
      const text = row.querySelectorAll("td")[place].textContent;
      return text === "" ? null : Number(text);
    }));
    return { names: names.map((name) => name.textContent), data: [minutes, ...figures] };
  };

  const axis = (more) => ({
    stroke: () => colour("--quiet"), grid: { stroke: () => colour("--line"), width: 1 }, ticks: { show: false }, ...more,
  });

  const make = (plot, names, data) => {
    const line = (name, place) => ({
      label: name, stroke: () => colour(`--line-${place + 1}`), width: 2, dash: DASHES[place],
      // Draw no line between minutes without a value.
      points: { show: data[place + 1].includes(null), size: 6 },
    });
    return new uPlot({
      width: plot.clientWidth,
      height: HEIGHT,
      scales: { y: { range: (_, least, most) => [0, Math.max(most * 1.1, Number(plot.dataset.least))] } },
      axes: [axis({ space: 80, values: "{HH}:{mm}" }), axis({ size: 56 })],
      series: [{ label: "minute", value: "{HH}:{mm}" }, ...names.map(line)],
      cursor: { drag: { x: false, y: false } },
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
