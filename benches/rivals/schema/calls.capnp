@0x9c1f7be2a64d0385;

struct Numbers {
  a @0 :UInt64;
  b @1 :UInt64;
  c @2 :UInt64;
  d @3 :UInt64;
}

interface Home {
  back @0 (numbers :Numbers) -> (numbers :Numbers);
}

interface Calls {
  echo @0 (numbers :Numbers) -> (numbers :Numbers);
  blob @1 (bytes :Data) -> (bytes :Data);
  slow @2 (numbers :Numbers, milliseconds :UInt64) -> (numbers :Numbers);
  callMeBack @3 (home :Home) -> ();
  nested @4 (numbers :Numbers) -> (numbers :Numbers);
}
