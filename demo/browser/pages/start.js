// Starts the program of a page. A panic of it, and a program that cannot be loaded, both end here.
const broken = () => {
  const status = document.getElementById('connection');
  status.dataset.state = 'broken';
  status.textContent = 'this page has stopped working: reload it';
};
addEventListener('error', broken);
try {
  const { default: init } = await import('/bundle/demo_browser.js');
  await init();
} catch (error) {
  console.error(error);
  broken();
}
