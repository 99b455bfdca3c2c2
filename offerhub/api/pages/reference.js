// Renders openapi.json, which the same server gives; loads nothing from elsewhere.
// All text goes in as text nodes, never as markup.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];
let description = null;

function make(tag, options, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(options || {})) node.setAttribute(name, value);
  for (const child of children.flat()) {
    if (child !== null && child !== undefined) node.append(child);
  }
  return node;
}

function prose(text) {
  // Back-ticked words become code; the rest stays as it is.
  return String(text || "").split(/(`[^`]+`)/).map((part) =>
    part.startsWith("`") && part.length > 2 ? make("code", {}, part.slice(1, -1)) : part);
}

function resolve(node) {
  while (node && node.$ref) {
    node = node.$ref.split("/").slice(1).reduce((found, key) => found[key], description);
  }
  return node || {};
}

function typeOf(schema) {
  const found = resolve(schema);
  const types = [].concat(found.type || (found.properties ? "object" : "any"));
  if (types.includes("array")) return "array of " + typeOf(found.items);
  const words = types.join(" or ");
  return found.format ? `${words} (${found.format})` : words;
}

// Long expressions say bounds, which the description says in words; others only that text is not blank.
function isForReading(pattern) {
  return pattern.startsWith("^") && pattern.length <= 60;
}

function limitsOf(schema) {
  const found = resolve(schema);
  const parts = [];
  if (found.description) parts.push(found.description);
  if (found.enum) parts.push("One of " + found.enum.map((v) => String(v)).join(", ") + ".");
  if (found.minimum !== undefined) parts.push(`At least ${found.minimum}.`);
  if (found.maximum !== undefined) parts.push(`At most ${found.maximum}.`);
  if (found.maxLength !== undefined) parts.push(`At most ${found.maxLength} characters.`);
  if (found.pattern && isForReading(found.pattern)) parts.push("Form: `" + found.pattern + "`.");
  if (found.default !== undefined) parts.push(`Default ${found.default}.`);
  return parts.join(" ");
}

function fieldRows(schema, prefix, depth) {
  const found = resolve(schema);
  if ([].concat(found.type || []).includes("array")) return fieldRows(found.items, prefix + "[]", depth);
  const options = found.anyOf || found.oneOf || found.allOf;
  if (options) return options.flatMap((option) => fieldRows(option, prefix, depth));
  return Object.entries(found.properties || {}).flatMap(([name, field]) => {
    const path = prefix ? `${prefix}.${name}` : name;
    const must = (found.required || []).includes(name);
    const row = make("tr", {},
      make("td", {}, make("code", {}, path), must ? make("span", { class: "must", title: "required" }, " *") : null),
      make("td", {}, typeOf(field)),
      make("td", {}, prose(limitsOf(field))));
    return [row, ...(depth > 0 ? fieldRows(field, path, depth - 1) : [])];
  });
}

function fieldTable(schema) {
  const rows = fieldRows(schema, "", 3);
  if (!rows.length) return make("p", { class: "note" }, "No fields.");
  const head = make("tr", {}, ...["Field", "Type", "Notes"].map((t) => make("th", { scope: "col" }, t)));
  return make("table", {}, make("thead", {}, head), make("tbody", {}, rows));
}

function exampleOf(schema, depth) {
  const found = resolve(schema);
  if (found.example !== undefined) return found.example;
  if (found.enum) return found.enum[0];
  const options = found.anyOf || found.oneOf || found.allOf;
  if (options) return exampleOf(options.find((o) => resolve(o).type !== "null") || options[0], depth);
  const type = [].concat(found.type || (found.properties ? "object" : "string"))[0];
  if (type === "object") {
    if (depth <= 0) return {};
    return Object.fromEntries(Object.entries(found.properties || {}).map(([k, v]) => [k, exampleOf(v, depth - 1)]));
  }
  if (type === "array") return depth > 0 ? [exampleOf(found.items || {}, depth - 1)] : [];
  return { integer: found.minimum || 0, number: 0, boolean: false, string: "…", null: null }[type];
}

function bodyOf(content) {
  const [kind] = Object.keys(content || {});
  return kind && content[kind].schema ? { kind, schema: content[kind].schema, example: content[kind].example } : null;
}

function curl(path, method, operation, request) {
  const lines = [`curl -X ${method.toUpperCase()} "$OFFERHUB_URL${path}"`];
  if ((operation.security || []).length) lines.push('-H "Authorization: Bearer $OFFERHUB_KEY"');
  if ((operation.parameters || []).some((p) => resolve(p).name === "Idempotency-Key")) {
    lines.push('-H "Idempotency-Key: $(uuidgen)"');
  }
  if (request) {
    lines.push('-H "Content-Type: application/json"');
    const required = resolve(request.schema).required || [];
    const whole = exampleOf(request.schema, 3);
    const sent = request.example ||
      Object.fromEntries(Object.entries(whole).filter(([name]) => required.includes(name)));
    lines.push(`-d '${JSON.stringify(sent)}'`);
  }
  return lines.join(" \\\n  ");
}

function parametersTable(parameters) {
  if (!parameters.length) return [];
  const rows = parameters.map((entry) => {
    const p = resolve(entry);
    return make("tr", {},
      make("td", {}, make("code", {}, p.name), p.required ? make("span", { class: "must", title: "required" }, " *") : null),
      make("td", {}, p.in),
      make("td", {}, prose([p.description, limitsOf(p.schema || {})].filter(Boolean).join(" "))));
  });
  const head = make("tr", {}, ...["Parameter", "In", "Notes"].map((t) => make("th", { scope: "col" }, t)));
  return [make("h4", {}, "Parameters"), make("table", {}, make("thead", {}, head), make("tbody", {}, rows))];
}

function responses(operation) {
  return Object.entries(operation.responses || {}).map(([status, entry]) => {
    const response = resolve(entry);
    const body = Number(status) < 400 ? bodyOf(response.content) : null;
    const summary = make("summary", {}, make("strong", {}, status), " ", prose(response.description));
    return make("details", {}, summary, body ? [exampleText(body), fieldTable(body.schema)] : refusals(response));
  });
}

function exampleText(body) {
  if (body.example === undefined) return [];
  const text = typeof body.example === "string" ? body.example : JSON.stringify(body.example, null, 2);
  return [make("h4", {}, "Example"), make("pre", {}, text)];
}

function refusals(response) {
  const examples = ((response.content || {})["application/json"] || {}).examples || {};
  return Object.values(examples).map((entry) => make("pre", {}, JSON.stringify(resolve(entry).value, null, 2)));
}

function eventSection(name, operation) {
  const body = bodyOf(operation.requestBody.content);
  return make("section", { id: operation.operationId },
    make("h3", {}, make("code", {}, name)),
    make("p", {}, prose(operation.summary)),
    make("details", {}, make("summary", {}, "Example"), make("pre", {}, JSON.stringify(body.example, null, 2))),
    make("details", {}, make("summary", {}, "Schema"), make("pre", {}, JSON.stringify(body.schema, null, 2)), fieldTable(body.schema)));
}

function showEvents(content, index) {
  const entries = Object.entries(description.webhooks || {});
  content.append(make("h2", {}, "Events, as they are posted to webhook endpoints and stand on the stream"));
  const links = entries.map(([name, item]) => {
    content.append(eventSection(name, item.post));
    return make("a", { href: `#${item.post.operationId}`, "data-words": `event webhook ${name}` }, name);
  });
  index.append(make("div", { class: "group" }, make("h2", {}, "events and webhooks"), links));
}

function operationSection(path, method, item) {
  const operation = item[method];
  const request = bodyOf((operation.requestBody || {}).content);
  const notes = [];
  if (!(operation.security || []).length) notes.push("Needs no credentials.");
  else if (operation["x-required-scope"]) notes.push(`Needs the scope ${operation["x-required-scope"]}.`);
  if (operation["x-user-token"]) notes.push("Open to tokens bound to one user, for that user's own data.");
  return make("section", { id: operation.operationId },
    make("h3", {}, operation.summary || operation.operationId),
    make("p", {}, make("span", { class: `method ${method}` }, method.toUpperCase()), make("code", {}, path)),
    operation.description ? make("p", {}, prose(operation.description)) : null,
    notes.length ? make("p", { class: "note" }, notes.join(" ")) : null,
    parametersTable([...(item.parameters || []), ...(operation.parameters || [])]),
    request ? [make("h4", {}, "Body"), fieldTable(request.schema)] : null,
    make("h4", {}, "Example"), make("pre", {}, curl(path, method, operation, request)),
    make("h4", {}, "Answers"), responses(operation));
}

function show() {
  const groups = new Map();
  for (const [path, item] of Object.entries(description.paths)) {
    for (const method of METHODS.filter((name) => item[name])) {
      const tag = (item[method].tags || ["other"])[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push({ path, method, item });
    }
  }
  const content = document.getElementById("content");
  const info = description.info;
  content.replaceChildren(make("h1", {}, `${info.title} API`),
    make("p", { class: "note" }, `Version ${info.version} · OpenAPI ${description.openapi} · `,
      make("a", { href: "openapi.json" }, "openapi.json")),
    make("p", {}, prose(info.description)));
  const index = document.getElementById("index");
  for (const [tag, operations] of groups) {
    const about = (description.tags || []).find((t) => t.name === tag);
    content.append(make("h2", {}, (about && about.description) || tag));
    const links = operations.map(({ path, method, item }) => {
      content.append(operationSection(path, method, item));
      return make("a", { href: `#${item[method].operationId}`, "data-words": `${method} ${path} ${item[method].summary} ${tag}`.toLowerCase() },
        make("span", { class: `method ${method}` }, method.toUpperCase()), item[method].summary);
    });
    index.append(make("div", { class: "group" }, make("h2", {}, tag), links));
  }
  showEvents(content, index);
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

function find(words) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  for (const group of document.querySelectorAll("#index .group")) {
    let any = false;
    for (const link of group.querySelectorAll("a")) {
      const hit = wanted.every((word) => link.dataset.words.includes(word));
      link.hidden = !hit;
      any = any || hit;
    }
    group.hidden = !any;
  }
}

document.getElementById("find").addEventListener("input", (event) => find(event.target.value));
fetch("openapi.json", { credentials: "omit" })
  .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(`HTTP ${answer.status}`))))
  .then((found) => { description = found; show(); })
  .catch((error) => {
    document.getElementById("content").replaceChildren(
      make("p", {}, `The description could not be loaded (${error.message}). Reload the page to try again.`));
  });
