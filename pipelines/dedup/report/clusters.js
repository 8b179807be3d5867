// The cluster explorer: search a cluster, choose two members, follow the strongest path between them.
(() => {
  const clusters = sangam.data("clusters");
  const get = (id) => document.getElementById(`clusters-${id}`);
  const strength = (edge) => edge.bits ?? Infinity;
  const sayBits = (edge) => (edge.bits === null ? "joined by a reviewer" : `${edge.bits.toFixed(1)} bits`);
  const words = clusters.map((one) => [one.id, ...one.members.flatMap((m) => [m.token, ...Object.values(m.fields)])].join(" ").toLowerCase());
  const current = () => clusters[Number(get("cluster").value)];
  const nameOf = (member, at) => [at + 1, ...Object.values(member.fields).slice(0, 2).filter(Boolean)].join(" · ");

  // The fewest links from one member to another over the links to keep, as places in `edges`.
  const walk = (cluster, from, to, keep) => {
    const came = new Map([[from, null]]);
    for (const node of came.keys()) {
      for (const [at, edge] of cluster.edges.entries()) {
        const next = edge.a === node ? edge.b : edge.b === node ? edge.a : -1;
        if (next >= 0 && keep(edge) && !came.has(next)) came.set(next, [node, at]);
      }
    }
    const path = [];
    for (let step = came.get(to); step; step = came.get(step[0])) path.unshift(step[1]);
    return path;
  };

  // The heaviest spanning tree tells how strong the weakest link can be; of the paths as strong, the shortest.
  const findPath = (cluster, from, to) => {
    const inTree = walk(cluster, from, to, (edge) => edge.tree);
    const weakest = Math.min(...inTree.map((at) => strength(cluster.edges[at])));
    return walk(cluster, from, to, (edge) => strength(edge) >= weakest);
  };

  const drawGraph = async (cluster, path, ends) => {
    const figure = await sangam.figure("cluster");
    const at = (axis) => (node) => cluster.places[node][axis];
    const [x, y] = [at(0), at(1)];
    const onPath = (edge) => path.includes(cluster.edges.indexOf(edge));
    const isLabelled = (edge) => cluster.edges.length <= 24 || onPath(edge) || edge.bridge;
    const column = (make) => cluster.edges.map(make);
    sangam.source(figure, "edges").data = {
      x0: column((e) => x(e.a)), y0: column((e) => y(e.a)), x1: column((e) => x(e.b)), y1: column((e) => y(e.b)),
      color: column((e) => sangam.colour(e.bridge ? "against" : onPath(e) ? "for" : "neutral")),
      width: column((e) => (onPath(e) ? 4 : 1.5)),
      dash: column((e) => (e.bridge ? "dashed" : "solid")),
      about: column((e) => `${e.a + 1} and ${e.b + 1}: ${sayBits(e)}`),
    };
    const labelled = cluster.edges.filter(isLabelled);
    sangam.source(figure, "labels").data = {
      x: labelled.map((e) => 0.58 * x(e.a) + 0.42 * x(e.b)), y: labelled.map((e) => 0.58 * y(e.a) + 0.42 * y(e.b)),
      text: labelled.map((e) => e.bits?.toFixed(1) ?? "reviewer"),
    };
    const nodes = sangam.source(figure, "nodes");
    nodes.selected.indices = [];
    nodes.data = {
      x: cluster.members.map((_, n) => x(n)), y: cluster.members.map((_, n) => y(n)),
      text: cluster.members.map((_, n) => String(n + 1)),
      color: cluster.members.map((_, n) => sangam.colour(ends.includes(n) ? "for" : "muted")),
      name: cluster.members.map(nameOf),
    };
  };

  const showLink = (edge) => {
    for (const chip of get("links").children) chip.setAttribute("aria-pressed", String(chip.edge === edge));
    return drawWaterfall("link", edge ? edge.steps : []);
  };

  const showPath = async () => {
    const cluster = current();
    const ends = [Number(get("from").value), Number(get("to").value)];
    const path = findPath(cluster, ...ends);
    const edges = path.map((at) => cluster.edges[at]);
    const direct = cluster.edges.find((e) => (e.a === ends[0] && e.b === ends[1]) || (e.b === ends[0] && e.a === ends[1]));
    const weakest = edges.reduce((low, e) => (low && strength(low) <= strength(e) ? low : e), null);
    get("path").textContent = !weakest ? "Choose two different members to see what ties them together."
      : `Strongest path: ${edges.length} ${edges.length === 1 ? "link" : "links"}, the weakest: ${sayBits(weakest)}`
        + `${weakest.bits === null ? "" : ` (posterior ${showPosterior(weakest.posterior)})`}.${direct ? "" : " The two were never matched directly."}`;
    const offered = direct && !edges.includes(direct) ? [...edges, direct] : edges;
    get("links").replaceChildren(...offered.map((edge) => {
      const chip = sangam.element("button", `${edge.a + 1} – ${edge.b + 1} · ${sayBits(edge)}${edge === direct && edges.length > 1 ? " (direct)" : ""}`);
      chip.type = "button";
      chip.edge = edge;
      chip.addEventListener("click", () => showLink(edge));
      return chip;
    }));
    await drawGraph(cluster, path, ends);
    return showLink(direct ?? weakest);
  };

  const showCluster = () => {
    const cluster = current();
    const bridge = cluster.edges.find((edge) => edge.bridge);
    const hidden = cluster.size - cluster.members.length;
    get("size").textContent = `${cluster.size} records`;
    get("facts").textContent = `density ${cluster.density.toFixed(2)}, `
      + (bridge ? `weakest bridge ${bridge.a + 1} – ${bridge.b + 1} at ${sayBits(bridge)}` : "no single link holds it together")
      + (hidden > 0 ? `; ${hidden} records not drawn` : "");
    const options = () => cluster.members.map((member, at) => new Option(nameOf(member, at), at));
    get("from").replaceChildren(...options());
    get("to").replaceChildren(...options());
    const far = (node) => findPath(cluster, 0, node).length;
    get("from").value = 0;
    get("to").value = cluster.members.reduce((best, _, node) => (far(node) > far(best) ? node : best), 1);
    const fields = [...new Set(cluster.members.flatMap((member) => Object.keys(member.fields)))];
    fillTable(
      get("table"),
      [["", "l"], ["record", "l"], ...fields.map((field) => [field.replaceAll("_", " "), "l"])],
      cluster.members.map((member, at) => [at + 1, shortToken(member.token), ...fields.map((field) => member.fields[field] ?? null)]),
    );
    return showPath();
  };

  const search = () => {
    const wanted = get("search").value.trim().toLowerCase();
    const hits = clusters.map((_, at) => at).filter((at) => words[at].includes(wanted));
    get("cluster").replaceChildren(...hits.map((at) => new Option(`${clusters[at].id} · ${clusters[at].size} records`, at)));
    get("cluster").disabled = hits.length === 0;
    if (hits.length === 0) get("cluster").replaceChildren(new Option("no cluster holds this text", ""));
    else showCluster();
  };

  get("search").addEventListener("input", search);
  get("cluster").addEventListener("change", showCluster);
  get("from").addEventListener("change", showPath);
  get("to").addEventListener("change", showPath);
  sangam.figure("cluster").then((figure) => {
    const { selected } = sangam.source(figure, "nodes");
    selected.properties.indices.change.connect(() => {
      const [chosen] = selected.indices;
      if (chosen === undefined) return;
      get("from").value = get("to").value;
      get("to").value = String(chosen);
      showPath();
    });
  });
  search();
})();
