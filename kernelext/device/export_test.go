package device

// NewTimed lets a test wrap a backend that is open already.
var NewTimed = newTimed
