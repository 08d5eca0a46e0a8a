// Where the links in mails land: the token is in the fragment, so no server has seen it yet. Each form
// says in its attributes what it sends, and for which kind of link it is not; nothing is sent before
// somebody clicks.

const result = document.querySelector("#result");
const link = new URLSearchParams(location.hash.slice(1));
const token = link.get("token");
const isUseless = (form) => !token || (form.dataset.notFor && form.dataset.notFor === link.get("for"));
for (const form of document.querySelectorAll("form")) if (isUseless(form)) form.remove();
const forms = [...document.querySelectorAll("form")];
// Neither the history nor a bookmark should keep it.
history.replaceState(null, "", location.pathname);

const say = (text, tone) => {
  result.textContent = text;
  result.dataset.tone = tone;
};

// Messages of the API go on after the name of the field.
const subjects = {
  "/password": "The password",
  "/newPassword": "The password",
  "/token": "This link",
};
const sentence = ({ pointer, message }) => `${subjects[pointer] ?? pointer} ${message}.`;

const send = async (method, path, body) => {
  const response = await fetch(`/proxy${path}`, {
    method,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (response.ok) return null;
  if (response.status === 410) return "This link was used already or has expired. Ask for a new one.";
  const problem = await response.json().catch(() => ({}));
  if (problem.code === "invalid-credentials") return "The password is wrong.";
  const details = (problem.errors ?? []).map(sentence);
  return details.join(" ") || problem.detail || problem.title || `The API answered ${response.status}.`;
};

const submit = async (form) => {
  const { method, path, done } = form.dataset;
  const fields = [...new FormData(form)].filter(([, value]) => value !== "");
  const buttons = forms.flatMap((each) => [...each.querySelectorAll("button")]);
  for (const button of buttons) button.disabled = true;
  try {
    const problem = await send(method, path, { token, ...Object.fromEntries(fields) });
    say(problem ?? done, problem ? "bad" : "good");
    if (!problem) for (const each of forms) each.remove();
  } catch {
    say("The API cannot be reached.", "bad");
  }
  for (const button of buttons) button.disabled = false;
};

if (!token) say("This link is incomplete. Open it from the mail once more.", "bad");
for (const form of forms) {
  const password = form.querySelector("[type=password]");
  form.querySelector("[type=checkbox]")?.addEventListener("change", (event) => {
    password.type = event.target.checked ? "text" : "password";
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(form);
  });
}
