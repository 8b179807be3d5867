// The sampled pairs: choose a band and a pair, see both records side by side and the evidence added up.
(() => {
  const pairs = sangam.data("pairs");
  const get = (id) => document.getElementById(`pairs-${id}`);
  const names = { MATCH: "Match", REVIEW: "Review", NO_MATCH: "No match" };
  const bandOf = () => pairs.filter((pair) => pair.band === get("band").value);

  const show = () => {
    const pair = bandOf()[get("pair").selectedIndex];
    get("verdict").textContent = names[pair.band];
    get("verdict").className = `tone-${pair.band.toLowerCase()}`;
    get("score").textContent = `posterior ${showPosterior(pair.posterior)}, ${sangam.bits(pair.score)} bits`;
    get("reasons").textContent = pair.reasons.length ? `Decided by: ${pair.reasons.join("; ")}.` : "";
    const found = new Map(pair.steps.filter((step) => step.kind !== "frequency" && step.kind !== "clamp").map((step) => [step.name, step]));
    const fields = [...new Set([...Object.keys(pair.left.fields), ...Object.keys(pair.right.fields)])];
    fillTable(
      get("table"),
      [["field", "l"], [shortToken(pair.left.token), "l"], [shortToken(pair.right.token), "l"], ["agreement", "l"]],
      fields.map((field) => [
        field.replaceAll("_", " "), pair.left.fields[field] ?? null, pair.right.fields[field] ?? null,
        found.get(field)?.level || null,
      ]),
    );
    [...get("table").tBodies[0].rows].forEach((row, at) => {
      const bits = found.get(fields[at])?.bits;
      if (bits !== undefined) row.className = bits < 0 ? "differs" : "agrees";
    });
    return drawWaterfall("pair", pair.steps);
  };

  const list = () => {
    get("pair").replaceChildren(...bandOf().map((pair, at) => new Option(
      `${at + 1} · ${sangam.bits(pair.score)} bits · ${shortToken(pair.left.token)} and ${shortToken(pair.right.token)}`)));
    return show();
  };

  const step = (by) => {
    const count = get("pair").options.length;
    get("pair").selectedIndex = (get("pair").selectedIndex + by + count) % count;
    return show();
  };

  const bands = [...new Set(pairs.map((pair) => pair.band))];
  const count = (band) => pairs.filter((pair) => pair.band === band).length;
  get("band").replaceChildren(...bands.map((band) => new Option(`${names[band]} (${count(band)})`, band)));
  get("band").addEventListener("change", list);
  get("pair").addEventListener("change", show);
  get("back").addEventListener("click", () => step(-1));
  get("next").addEventListener("click", () => step(1));
  list();
})();
