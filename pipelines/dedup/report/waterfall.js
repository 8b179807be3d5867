// Bars of evidence: each starts where the last one ended, the total starts at zero.
const shownSteps = {};
const drawWaterfall = async (name, stored) => {
  const figure = await sangam.figure(name);
  shownSteps[name] = stored;
  const nothing = { label: "no evidence stored", kind: "prior", level: "", bits: 0, start: 0, end: 0 };
  const steps = stored.length ? stored : [nothing];
  const tone = (step) => {
    if (step.kind === "total") return "ink";
    if (step.kind === "prior") return "neutral";
    if (step.kind === "clamp") return "review";
    return step.bits < 0 ? "against" : "for";
  };
  const ends = steps.flatMap((step) => [step.start, step.end, 0]);
  const low = Math.min(...ends, -1), high = Math.max(...ends, 1);
  const names = 6 * Math.max(...steps.map((step) => step.label.length)) + 12;
  const width = document.getElementById(`chart-${name}`).clientWidth - names;
  const room = (high - low) * 50 / Math.max(width - 100, 55); // for the figures at both ends
  const right = (step) => step.end >= step.start;
  const y = figure.y_range, x = figure.x_range;
  y.factors = steps.map((step) => step.label).reverse();
  x.setv({ start: low - room, end: high + room });
  figure.height = 25 * steps.length + 84;
  sangam.source(figure, "bars").data = {
    label: steps.map((step) => step.label),
    start: steps.map((step) => step.start),
    end: steps.map((step) => step.end),
    at: steps.map((step) => step.end),
    text: steps.map((step) => sangam.bits(step.bits)),
    color: steps.map((step) => sangam.colour(tone(step))),
    level: steps.map((step) => step.level || "–"),
    align: steps.map((step) => (right(step) ? "left" : "right")),
    offset: steps.map((step) => (right(step) ? 5 : -5)),
  };
};

// A phone that is turned has another width.
addEventListener("resize", () => {
  for (const [name, stored] of Object.entries(shownSteps)) drawWaterfall(name, stored);
});

const showPosterior = (posterior) => {
  if (posterior > 0.9999) return "above 99.99 %";
  if (posterior < 0.0001) return "below 0.01 %";
  return `${(100 * posterior).toFixed(2)} %`;
};

const shortToken = (token) => (token.length > 14 ? `${token.slice(0, 3)}…${token.slice(-6)}` : token);

const fillTable = (table, heads, rows) => {
  const head = sangam.element("tr");
  heads.forEach(([text, align]) => head.append(sangam.element("th", text, align)));
  const body = rows.map((cells) => {
    const row = sangam.element("tr");
    cells.forEach((cell, at) => row.append(sangam.element("td", cell === null ? "–" : cell, heads[at][1])));
    return row;
  });
  table.replaceChildren(sangam.element("thead"), sangam.element("tbody"));
  table.tHead.append(head);
  table.tBodies[0].append(...body);
};
