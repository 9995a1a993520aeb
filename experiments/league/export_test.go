package league

// SaveAlways makes leagues save after every match.
func SaveAlways() { saveEvery = 0 }
