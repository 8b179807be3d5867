// What every report page needs: data by name, figures in the colours of the scheme, small DOM helpers.
const sangam = (() => {
  const parse = (name) => JSON.parse(document.getElementById(`data-${name}`).textContent);
  const colours = parse("colours");
  const scheme = window.matchMedia("(prefers-color-scheme: dark)");
  const partner = new Map(Object.keys(colours.light).map((role) => [colours.light[role], colours.dark[role]]));

  // Figures are stored in light colours; in a dark page every such string is exchanged before drawing.
  const recolour = (value) => {
    if (typeof value === "string") return partner.get(value) ?? value;
    if (Array.isArray(value)) return value.map(recolour);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, recolour(item)]));
  };

  const draw = async (item) => {
    const shown = scheme.matches ? recolour(item) : item;
    await Bokeh.embed.embed_item(shown, shown.target_id);
    const roots = Bokeh.documents.flatMap((one) => one.roots());
    return [shown.target_id, roots.find((root) => root.id === shown.root_id)];
  };

  const ready = Promise.all(parse("figures").map(draw)).then((pairs) => new Map(pairs));
  ready.then(() => { document.documentElement.dataset.ready = "yes"; });
  scheme.addEventListener("change", () => window.location.reload());

  // Text only: a value of the data never becomes markup.
  const element = (tag, text, className) => {
    const made = document.createElement(tag);
    if (text !== undefined && text !== null) made.textContent = text;
    if (className) made.className = className;
    return made;
  };

  return {
    data: parse,
    element,
    colour: (role) => (scheme.matches ? colours.dark : colours.light)[role],
    figure: (name) => ready.then((figures) => figures.get(`chart-${name}`)),
    source: (figure, name) => figure.renderers.map((one) => one.data_source).find((one) => one.name === name),
    bits: (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}`,
  };
})();
