var total = 0
const unused = 1;
function add(a, b) {
  if (a == b) {
    total = total + a;;
  }
  return a + b
}
add(1, 2)
