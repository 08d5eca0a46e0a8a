// Where the links in mails land: the token is in the fragment, so no server has seen it yet.

const action = document.querySelector("main").dataset.action;
const result = document.querySelector("#result");
const token = new URLSearchParams(location.hash.slice(1)).get("token");
// Neither the history nor a bookmark should keep it.
history.replaceState(null, "", location.pathname);

const say = (text, tone) => {
  result.textContent = text;
  result.dataset.tone = tone;
};

const put = async (path, body) => {
  const response = await fetch(`/proxy${path}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (response.ok) return null;
  if (response.status === 410) return "This link was used already or has expired. Ask for a new one.";
  const problem = await response.json().catch(() => ({}));
  const details = (problem.errors ?? []).map((error) => error.message).filter(Boolean);
  return details.join(" ") || problem.detail || problem.title || `The API answered ${response.status}.`;
};

const attempt = async (path, body, done) => {
  try {
    const problem = await put(path, body);
    say(problem ?? done, problem ? "bad" : "good");
    return !problem;
  } catch {
    say("The API cannot be reached.", "bad");
    return false;
  }
};

const form = document.querySelector("#form");
if (!token) {
  say("This link is incomplete. Open it from the mail once more.", "bad");
  form?.remove();
} else if (action === "verify") {
  await attempt("/email-verifications", { token }, "Your address is confirmed.");
} else {
  const password = document.querySelector("#password");
  document.querySelector("#show").addEventListener("change", (event) => {
    password.type = event.target.checked ? "text" : "password";
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    const body = { token, newPassword: password.value };
    const [path, success] = {
      reset: ["/password-resets", "Your password is changed. You can sign in with it now."],
      invitation: ["/email-verifications", "Welcome. You can sign in with your password now."],
    }[action];
    const done = await attempt(path, body, success);
    button.disabled = false;
    if (done) form.remove();
  });
  password.focus();
}
