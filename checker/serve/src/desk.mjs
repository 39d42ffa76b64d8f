// Sends a decision or asks for the outputs. Both change something, so they carry
// a header that no form of another page can send.

/** @param {string} address @param {object} body */
async function send(address, body) {
  const answer = await fetch(address, {
    method: "POST",
    headers: { "content-type": "application/json", "labcheck-request": "1" },
    body: JSON.stringify(body),
  });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error);
  return told;
}

for (const form of document.querySelectorAll("form[data-send]")) {
  const status = form.querySelector("[role=status]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const told = await send(form.getAttribute("data-send"), Object.fromEntries(new FormData(form)));
      if (told.says) status.textContent = told.says;
      else location.reload();
    } catch (error) {
      status.textContent = error.message;
    }
  });
}
