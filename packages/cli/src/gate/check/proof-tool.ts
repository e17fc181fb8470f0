/** The tool whose call is always refused, by which `gate install` proves that a refusal comes back. */
export const PROOF_TOOL = 'lictor_gate_proof'
export const PROOF_REASON = 'This call proves that the gate refuses'
