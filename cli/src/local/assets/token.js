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

const send = async (method, path, body) => {
  const response = await fetch(`/proxy${path}`, {
    method,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (response.ok) return null;
  if (response.status === 410) return "This link was used already or has expired. Ask for a new one.";
  const problem = await response.json().catch(() => ({}));
  const details = (problem.errors ?? []).map((error) => error.message).filter(Boolean);
  return details.join(" ") || problem.detail || problem.title || `The API answered ${response.status}.`;
};

const form = document.querySelector("#form");

// Once it is done, nothing is left to do here.
const attempt = async (method, path, body, done) => {
  const buttons = form.querySelectorAll("button");
  const disable = (disabled) => buttons.forEach((button) => (button.disabled = disabled));
  disable(true);
  try {
    const problem = await send(method, path, body);
    say(problem ?? done, problem ? "bad" : "good");
    if (!problem) form.remove();
  } catch {
    say("The API cannot be reached.", "bad");
  } finally {
    disable(false);
  }
};

const verify = () => {
  const path = "/email-verifications";
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt("PUT", path, { token }, "Your address is confirmed.");
  });
  document.querySelector("#disown").addEventListener("click", () => {
    attempt("DELETE", path, { token }, "Thank you. The account is removed.");
  });
};

const choose = () => {
  const password = document.querySelector("#password");
  document.querySelector("#show").addEventListener("change", (event) => {
    password.type = event.target.checked ? "text" : "password";
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const body = { token, newPassword: password.value };
    const [path, success] = {
      reset: ["/password-resets", "Your password is changed. You can sign in with it now."],
      invitation: ["/email-verifications", "Welcome. You can sign in with your password now."],
    }[action];
    attempt("PUT", path, body, success);
  });
  password.focus();
};

if (!token) {
  say("This link is incomplete. Open it from the mail once more.", "bad");
  form.remove();
} else if (action === "verify") {
  verify();
} else {
  choose();
}
