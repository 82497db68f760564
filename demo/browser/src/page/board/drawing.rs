//! The peers as a drawing, and each hop between them as a dot that travels.

use std::cell::Cell;
use std::collections::HashMap;

use distributed_scope::PeerId;
use gloo_timers::callback::Timeout;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, SvgElement};

use crate::board::layout::{self, HEIGHT, Point, SERVER, WIDTH};
use crate::board::{HopId, Person, View, milliseconds};
use crate::page::dom::Dom;

/// How long a dot travels, in milliseconds: hundreds of times as long as the call, so that people
/// can follow it.
const TRAVEL: f64 = 600.0;

/// The drawing, and its data about the peers in it.
pub(super) struct Drawing {
    me: PeerId,
    server: PeerId,
    places: HashMap<PeerId, Place>,
    /// Calls that have not ended, with the browsers at the one end of them.
    open: HashMap<HopId, PeerId>,
    /// When the last dot that is on its way to the server will be there.
    arrival: Cell<f64>,
    edges: Element,
    nodes: Element,
    dots: Element,
}

struct Place {
    person: Person,
    edge: Element,
    took: Element,
    /// What travels between it and the server.
    dots: Element,
    open: u32,
}

impl Drawing {
    pub(super) fn new(dom: &Dom, me: PeerId, server: PeerId) -> Result<Self, JsValue> {
        let svg: Element = dom.element("drawing")?;
        svg.set_attribute("viewBox", &format!("0 0 {WIDTH} {HEIGHT}"))?;
        let layer = || dom.draw(&svg, "g", "", &[]);
        let (edges, dots, nodes) = (layer()?, layer()?, layer()?);
        let hub = dom.draw(&svg, "g", "", &[("class", "server"), ("transform", &move_to(SERVER))])?;
        dom.draw(
            &hub,
            "rect",
            "",
            &[("x", "-38"), ("y", "-24"), ("width", "76"), ("height", "48"), ("rx", "10")],
        )?;
        dom.draw(&hub, "text", "server", &[("dy", ".35em")])?;
        let (places, open, arrival) = (HashMap::new(), HashMap::new(), Cell::new(0.0));
        Ok(Self { me, server, places, open, arrival, edges, nodes, dots })
    }

    /// Draws those who are here, this browser first.
    pub(super) fn place(&mut self, dom: &Dom, view: &View) -> Result<(), JsValue> {
        self.edges.set_text_content(None);
        self.nodes.set_text_content(None);
        self.open.retain(|hop, _| *hop >= view.first_hop);
        let mut people: Vec<_> = view.people.iter().collect();
        people.sort_by_key(|person| person.peer != self.me);
        let mut places = HashMap::new();
        let mut before = std::mem::take(&mut self.places);
        for (number, person) in people.iter().enumerate() {
            let at = layout::place(number, people.len());
            let open = self.open.values().filter(|peer| **peer == person.peer).count();
            let open = u32::try_from(open).unwrap_or_default();
            let place = self.draw(dom, person, at, before.remove(&person.peer), open)?;
            places.insert(person.peer, place);
        }
        before.values().for_each(|left| left.dots.remove());
        self.open.retain(|_, peer| places.contains_key(peer));
        self.places = places;
        let names: Vec<_> = people.iter().map(|person| person.name.as_str()).collect();
        let label = format!("The server and {} around it: {}", count(names.len()), names.join(", "));
        dom.element::<Element>("drawing")?.set_attribute("aria-label", &label)
    }

    fn draw(
        &self,
        dom: &Dom,
        person: &Person,
        at: Point,
        before: Option<Place>,
        open: u32,
    ) -> Result<Place, JsValue> {
        let line = [("x1", at.0), ("y1", at.1), ("x2", SERVER.0), ("y2", SERVER.1)]
            .map(|(name, value)| (name, value.to_string()));
        let line = line.each_ref().map(|(name, value)| (*name, value.as_str()));
        let edge = dom.draw(&self.edges, "line", "", &line)?;
        let middle = layout::middle(at, SERVER);
        let took = dom.draw(&self.edges, "text", "", &[("transform", &move_to(middle)), ("dy", "-.5em")])?;
        let colour = person.colour.to_string();
        let dots = match before {
            Some(before) => {
                took.set_text_content(before.took.text_content().as_deref());
                before.dots
            }
            None => dom.draw(&self.dots, "g", "", &[("data-colour", &colour)])?,
        };
        // Dots that are on their way go where it stands now.
        style(&dots, &[("--browser", &pixels(at)), ("--server", &pixels(SERVER))])?;
        let node = dom.draw(
            &self.nodes,
            "g",
            "",
            &[("class", "browser"), ("data-colour", &colour), ("transform", &move_to(at))],
        )?;
        dom.draw(&node, "circle", "", &[("r", "20")])?;
        let initial: String = person.name.chars().take(1).collect();
        dom.draw(&node, "text", &initial, &[("class", "initial"), ("dy", ".35em")])?;
        dom.draw(&node, "text", &person.name, &[("class", "name"), ("y", "39")])?;
        if person.peer == self.me {
            dom.draw(&node, "circle", "", &[("class", "ring"), ("r", "24")])?;
            node.class_list().add_1("me")?;
            dom.draw(&node, "text", "you", &[("class", "you"), ("y", "53")])?;
        }
        let place = Place { person: person.clone(), edge, took, dots, open };
        place.light()?;
        Ok(place)
    }

    /// What people call a peer, and its colour.
    pub(super) fn name(&self, peer: PeerId) -> (&str, Option<u8>) {
        match self.places.get(&peer) {
            Some(Place { person, .. }) => (&person.name, Some(person.colour)),
            None if peer == self.server => ("server", None),
            None => ("somebody", None),
        }
    }

    /// A call is made: a dot travels, and the line stays lit until the call has ended.
    pub(super) fn begin(&mut self, dom: &Dom, hop: HopId, from: PeerId, to: PeerId) -> Result<(), JsValue> {
        let is_to_server = to == self.server;
        let browser = if is_to_server { from } else { to };
        let Some(place) = self.places.get_mut(&browser) else { return Ok(()) };
        place.open += 1;
        place.light()?;
        self.open.insert(hop, browser);
        let Some(place) = self.places.get(&browser) else { return Ok(()) };
        self.dot(dom, place, is_to_server)
    }

    /// An item of the topic: a dot travels to each browser.
    pub(super) fn item(&self, dom: &Dom) -> Result<(), JsValue> {
        self.places.values().try_for_each(|place| self.dot(dom, place, false))
    }

    fn dot(&self, dom: &Dom, place: &Place, is_to_server: bool) -> Result<(), JsValue> {
        // What the server does with a call goes out after the call has come in, in the drawing too.
        let now = dom.now();
        let wait = if is_to_server { 0.0 } else { (self.arrival.get() - now).max(0.0) };
        if is_to_server {
            self.arrival.set(now + TRAVEL);
        }
        let class = if is_to_server { "dot in" } else { "dot out" };
        let dot = dom.draw(&place.dots, "circle", "", &[("class", class), ("r", "7")])?;
        style(&dot, &[("--travel", &format!("{TRAVEL}ms")), ("--wait", &format!("{wait}ms"))])?;
        // A duration of a second or so.
        Timeout::new((wait + TRAVEL) as u32, move || dot.remove()).forget();
        Ok(())
    }

    /// The call has ended.
    pub(super) fn end(&mut self, hop: HopId, microseconds: Option<u64>) -> Result<(), JsValue> {
        let Some(browser) = self.open.remove(&hop) else { return Ok(()) };
        let Some(place) = self.places.get_mut(&browser) else { return Ok(()) };
        place.open = place.open.saturating_sub(1);
        place.light()?;
        place.took.set_text_content(microseconds.map(milliseconds).as_deref());
        Ok(())
    }
}

impl Place {
    fn light(&self) -> Result<(), JsValue> {
        self.edge.class_list().toggle_with_force("open", self.open > 0).map(|_| ())
    }
}

fn move_to((x, y): Point) -> String {
    format!("translate({x:.1} {y:.1})")
}

/// Sets these properties. An attribute would be forbidden by a Content-Security-Policy that allows
/// no styles in the page.
fn style(element: &Element, properties: &[(&str, &str)]) -> Result<(), JsValue> {
    let style = element.unchecked_ref::<SvgElement>().style();
    properties.iter().try_for_each(|(name, value)| style.set_property(name, value))
}

fn pixels((x, y): Point) -> String {
    format!("{x:.1}px, {y:.1}px")
}

fn count(browsers: usize) -> String {
    if browsers == 1 { "one browser".to_owned() } else { format!("{browsers} browsers") }
}
