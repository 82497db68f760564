// Starts the program of a page. A panic of it, and a program that cannot be loaded, both end here.
const broken = (why) => {
  const status = document.getElementById('connection');
  status.dataset.state = 'broken';
  status.textContent = why;
};
addEventListener('error', () => broken('this page has stopped working: reload it'));
try {
  const { default: init } = await import('/bundle/demo_browser.js');
  await init();
} catch (error) {
  console.error(error);
  // Browsers say so in texts of their own, and all of them name the policy.
  const isForbidden = error instanceof WebAssembly.CompileError && /security.policy/i.test(error.message);
  broken(isForbidden
    ? "this page cannot run: its Content-Security-Policy lacks 'wasm-unsafe-eval' in script-src"
    : 'this page has stopped working: reload it');
}
