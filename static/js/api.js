// Requests to this server: JSON both ways, errors in words.

export class ApiError extends Error {
  constructor(status, { code, message, field } = {}) {
    super(message || `The server answered ${status}.`);
    this.status = status;
    this.code = code ?? "error";
    this.field = field ?? null;
  }
}

function csrf() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}

/**
 * Answer of method url as a value; body is sent as JSON.
 * Throws ApiError; status 0 means that the server was not reached.
 */
export async function request(method, url, body, { signal, accept = [] } = {}) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRF-Token"] = csrf();
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(url, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
      signal,
    });
  } catch (problem) {
    if (problem.name === "AbortError") throw problem;
    throw new ApiError(0, { code: "unreachable", message: "Not connected to the server." });
  }
  const value = await answer.json().catch(() => null);
  if (!answer.ok && !accept.includes(answer.status)) throw new ApiError(answer.status, value?.error);
  if (value === null) throw new ApiError(answer.status, { message: "The server's answer is not JSON." });
  return value;
}

export const get = (url, options) => request("GET", url, undefined, options);
export const put = (url, body) => request("PUT", url, body);
export const post = (url, body) => request("POST", url, body ?? {});
