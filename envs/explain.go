package envs

// Explanation is what a policy makes of a state.
type Explanation struct {
	Probability []float64 // by id, with which it plays
	Value       float64   // return that it expects from here, V(s); NaN if it expects none
	Actions     []float64 // by id, return that it expects, Q(s, a); nil if it expects none
	Updates     []uint32  // by id, how often Actions was updated; nil if nobody has counted
}

// Explainer is the optional part of a Policy that explains itself.
type Explainer interface {
	// Explain is what the policy makes of the present state of env. It stands in place of Act, once a step, since a policy may
	// remember what it saw before.
	Explain(env Env, seat int) Explanation
}
