# A JSON Schema validator for what the schemas of data/schema/ use: type, enum, const, properties, required,
# additionalProperties, items, minimum and $ref into $defs. Any other keyword is an error, so that no schema says more
# than is checked. jq -n --slurpfile schema S --slurpfile document D -f tests/schema.jq prints one line per violation.

def known: ["$schema", "$id", "$defs", "$ref", "title", "description", "type", "enum", "const", "properties", "required",
            "additionalProperties", "items", "minimum"];

def kind: if type == "number" then (if . == floor then "integer" else "number" end) else type end;

def is_of($types): kind as $k | any($types[]; . == $k or (. == "number" and $k == "integer"));

def violations($s; $root; $path):
    . as $value
    | if $s | has("$ref") then violations(($s["$ref"] | ltrimstr("#/$defs/")) as $name | $root["$defs"][$name]; $root; $path)
      elif $s == true then empty
      else
        ($s | keys[] | select(. as $k | known | index($k) | not) | "\($path): keyword \(.) is not checked"),
        (if $s | has("const") and ($s.const != $value) then "\($path): not \($s.const)" else empty end),
        (if $s | has("enum") and (($s.enum | index([$value])) == null) then "\($path): \($value) is none of \($s.enum | tojson)" else empty end),
        (if $s | has("type") and ($value | is_of([$s.type] | flatten) | not) then "\($path): is \(kind), not \($s.type | tojson)" else empty end),
        (if ($value | type) == "number" and ($s | has("minimum")) and $value < $s.minimum then "\($path): \($value) is below \($s.minimum)" else empty end),
        (if ($value | type) == "object" then
            (($s.required // [])[] | select(. as $k | $value | has($k) | not) | "\($path).\(.): missing"),
            ($value | keys_unsorted[] as $k
                | if ($s.properties // {}) | has($k) then $value[$k] | violations($s.properties[$k]; $root; "\($path).\($k)")
                  elif $s.additionalProperties == false then "\($path).\($k): not in the schema"
                  elif ($s.additionalProperties | type) == "object" then $value[$k] | violations($s.additionalProperties; $root; "\($path).\($k)")
                  else empty end)
         elif ($value | type) == "array" and ($s | has("items")) then
            range(0; $value | length) as $i | $value[$i] | violations($s.items; $root; "\($path)[\($i)]")
         else empty end)
      end;

$document[0] | violations($schema[0]; $schema[0]; "$")
