//! Where peers stand in the drawing: the server in the middle, browsers around it.

/// The drawing's width, in its own units.
pub const WIDTH: f64 = 480.0;
/// Its height.
pub const HEIGHT: f64 = 300.0;

/// A place in the drawing.
pub type Point = (f64, f64);

/// The position of the server.
pub const SERVER: Point = (WIDTH / 2.0, HEIGHT / 2.0 - 10.0);

/// The distance of browsers from the server, in each direction. Below each there is space for its
/// name.
const RADII: Point = (185.0, 100.0);

/// The position of the browser with this number, of this many browsers. The first one is on the
/// left.
#[must_use]
pub fn place(number: usize, of: usize) -> Point {
    let angle = std::f64::consts::PI + std::f64::consts::TAU * number as f64 / of.max(1) as f64;
    (RADII.0.mul_add(angle.cos(), SERVER.0), RADII.1.mul_add(angle.sin(), SERVER.1))
}

/// Halfway between two places.
#[must_use]
pub fn middle(a: Point, b: Point) -> Point {
    ((a.0 + b.0) / 2.0, (a.1 + b.1) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_browsers_stand_on_both_sides_of_the_server_and_the_first_on_the_left() {
        let ((left, top), (right, bottom)) = (place(0, 2), place(1, 2));
        assert!(left < SERVER.0 && right > SERVER.0);
        assert!((top - SERVER.1).abs() < 0.01 && (bottom - SERVER.1).abs() < 0.01);
    }

    #[test]
    fn nobody_stands_outside_or_on_somebody_else() {
        for of in 1..=24 {
            let places: Vec<_> = (0..of).map(|number| place(number, of)).collect();
            for (index, (x, y)) in places.iter().enumerate() {
                assert!(
                    (40.0..WIDTH - 40.0).contains(x) && (30.0..HEIGHT - 50.0).contains(y),
                    "{of}: {x} {y}"
                );
                for (other_x, other_y) in &places[..index] {
                    assert!((x - other_x).hypot(y - other_y) > 20.0, "{of}");
                }
            }
        }
    }
}
